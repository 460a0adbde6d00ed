"""The questions of ``affectd setup``, asked in a terminal. Each answer makes a new draft; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from getpass import getpass

from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm, InvalidResponse, PromptBase

from device.capture.cameras import found_cameras
from device.capture.microphone import list_microphones
from device.config.settings import UNSTATED, CameraSettings
from device.errors import AffectdError
from device.publish.broker import Tls, tls_context
from device.setup.draft import NO_SENSOR, PLAIN_PORT, TLS_PORT, Draft, require_node
from device.setup.purpose import FORBIDDEN, LAWFUL, require_lawful

DEFAULT_MICROPHONE = "default"
AGAIN = "again"

_OTHER_CAMERA = "a path, or an RTSP or HTTP address"


class Question(PromptBase[str]):
    """Asks until ``understand`` takes the answer; what it raises is said, and the question comes again."""

    def __init__(self, prompt: str, *, console: Console, understand: Callable[[str], str]) -> None:
        super().__init__(prompt, console=console)
        self._understand = understand

    def process_response(self, value: str) -> str:
        """The answer as it is meant."""
        try:
            return self._understand(value.strip())
        except AffectdError as error:
            raise InvalidResponse(f"[prompt.invalid]{escape(str(error))}") from error


def ask_purpose(console: Console, draft: Draft) -> Draft:
    """Why the appliance is there. Raises ``ConfigError`` with the reason for a purpose that is forbidden."""
    options = {**LAWFUL, **{name: f"{where} (forbidden in the EU)" for name, where in FORBIDDEN.items()}}
    answer = choose(console, "Purpose", options, draft.settings.node.purpose.replace(UNSTATED, ""))
    return draft.change("node", purpose=require_lawful(answer))


def ask_node(console: Console, draft: Draft) -> Draft:
    """The name in topics and in Home Assistant."""
    return draft.change("node", id=_ask(console, "Name of this node", draft.settings.node.id, require_node))


def ask_broker(console: Console, draft: Draft) -> Draft:
    """Where the broker is and how to get in."""
    mqtt = draft.settings.mqtt
    default = mqtt.host if mqtt.port in (PLAIN_PORT, TLS_PORT) else f"{mqtt.host}:{mqtt.port}"
    where = _ask(
        console, "MQTT broker (HOST or HOST:PORT)", default, lambda text: text if draft.with_broker(text) else ""
    )
    asked = draft.with_broker(where)
    tls = Confirm.ask("Does it speak TLS?", console=console, default=mqtt.tls or asked.settings.mqtt.port == TLS_PORT)
    draft = draft.change("mqtt", tls=tls).with_broker(where)
    if tls:
        draft = draft.change("mqtt", ca_file=_ask_authority(console, mqtt.ca_file))
    return _ask_login(console, draft)


def ask_camera(console: Console, draft: Draft) -> Draft:
    """Which camera, of those found or by any path or address. To read no faces is never what Enter alone chooses."""
    before = draft.settings.camera.source if draft.uses_camera else NO_SENSOR
    while not (found := found_cameras()) and before != NO_SENSOR and "://" not in before:
        console.print("\n[yellow]No camera is found.[/] Is its cable in, at both ends? A new one may need a restart.")
        answer = choose(console, "Camera", _without_a_camera(before), AGAIN, other=_OTHER_CAMERA)
        if answer != AGAIN:
            return draft.with_camera(answer)
    options = dict.fromkeys(found, "")
    if before not in (NO_SENSOR, CameraSettings().source, *found) and "://" not in before:
        options[before] = "as it is set up"
    options[NO_SENSOR] = "read no faces"
    default = before if before in options or "://" in before else next(iter(options))
    return draft.with_camera(choose(console, "Camera", options, default, other=_OTHER_CAMERA))


def _without_a_camera(before: str) -> dict[str, str]:
    return {
        AGAIN: "look once more",
        before: "it will be connected later",
        NO_SENSOR: "read no faces: voices only",
    }


def ask_microphone(console: Console, draft: Draft) -> Draft:
    """Which microphone, of those found."""
    options = {DEFAULT_MICROPHONE: "the system's own choice"} | dict.fromkeys(list_microphones(), "")
    if draft.uses_camera:
        options[NO_SENSOR] = "read no voices"
    before = (draft.settings.microphone.name or DEFAULT_MICROPHONE) if draft.uses_microphone else NO_SENSOR
    if before not in options:
        options[before] = "as it is set up"
    default = before
    answer = choose(console, "Microphone", options, default, other="part of a name")
    return draft.with_microphone("" if answer == DEFAULT_MICROPHONE else answer)


def choose(console: Console, title: str, options: Mapping[str, str], default: str, *, other: str = "") -> str:
    """One of the options, by its number or its name; anything else only where ``other`` says what that may be."""
    names = list(options)
    console.print(f"\n[bold]{title}[/]")
    for number, name in enumerate(names, 1):
        console.print(f"  {number}  {escape(name)}  [dim]{escape(options[name])}[/]", highlight=False)
    if other:
        console.print(f"     [dim]or {other}[/]")
    return _ask(console, f"{title}, by number or name", default, lambda text: _chosen(text, names, free=bool(other)))


def _chosen(text: str, names: Sequence[str], *, free: bool) -> str:
    if text.isdecimal() and 1 <= int(text) <= len(names):
        return names[int(text) - 1]
    if text in names or (free and text and not text.isdecimal()):
        return text
    raise AffectdError(f"{text!r} is none of them; say 1 to {len(names)}, or a name as it stands there")


def _ask(console: Console, prompt: str, default: str, understand: Callable[[str], str]) -> str:
    question = Question(escape(prompt), console=console, understand=understand)
    return str(question(default=default) if default else question())


def _ask_authority(console: Console, before: str) -> str:
    console.print("  [dim]Its authority's certificate (a PEM file), or - if the system knows it already.[/]")

    def understand(text: str) -> str:
        path = "" if text == "-" else text
        tls_context(Tls(ca_file=path or None))  # type: ignore[arg-type]
        return path

    return _ask(console, "CA file", before or "-", understand).removeprefix("-")


def _ask_login(console: Console, draft: Draft) -> Draft:
    before = draft.settings.mqtt.username
    name = _ask(console, "User name, or - for none", before or "-", str).removeprefix("-")
    draft = draft.change("mqtt", username=name)
    if not name:
        return draft.change("mqtt", password_file="")
    kept = "; Enter keeps the one there is" if before == name and draft.settings.mqtt.password_file else ""
    # Not rich's prompt: it asks first and hides what is typed a moment later.
    password = getpass(f"Password (not shown{kept}): ")
    return Draft(draft.settings, password or None)
