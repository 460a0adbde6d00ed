"""A real Home Assistant in a folder of its own, with the MQTT integration set up as its user would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from broker import HOST, free_port
from fakes import eventually
from processes import started

BLUEPRINTS = Path(__file__).resolve().parents[2] / "examples" / "home-assistant"
HASS = os.environ.get("AFFECTD_HASS", "")
"""Its program, ``hass``."""
START_S = 120.0
USER, PASSWORD = "tester", "a long enough password"


class HomeAssistant:
    """The core, by its HTTP interface."""

    def __init__(self, address: str, http: httpx.Client) -> None:
        self.address, self._http = address, http
        self.tokens: dict[str, Any] = {}

    def onboard(self) -> None:
        """Make the first user, and be that user from now on."""
        client = f"{self.address}/"
        user = {"client_id": client, "name": USER, "username": USER, "password": PASSWORD, "language": "en"}
        code = self._posted("/api/onboarding/users", user)["auth_code"]
        grant = {"client_id": client, "grant_type": "authorization_code", "code": code}
        self.tokens = self._http.post("/auth/token", data=grant).raise_for_status().json()
        self._http.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        self._posted("/api/onboarding/core_config", {})
        self._posted("/api/onboarding/analytics", {})
        self._posted("/api/onboarding/integration", {"client_id": client, "redirect_uri": client})

    def add_mqtt(self, port: int) -> None:
        """*Settings, Devices & services, Add integration, MQTT*."""
        flow = self._posted("/api/config/config_entries/flow", {"handler": "mqtt", "show_advanced_options": False})
        done = self._posted(f"/api/config/config_entries/flow/{flow['flow_id']}", {"broker": HOST, "port": port})
        assert done["type"] == "create_entry", done

    def state(self, entity: str) -> str:
        """The state of an entity; empty while there is none."""
        return str(self.whole(entity).get("state", ""))

    def whole(self, entity: str) -> dict[str, Any]:
        """State and attributes of an entity; empty while there is none."""
        answer = self._http.get(f"/api/states/{entity}")
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return found

    def entities(self) -> list[str]:
        """The ids of all that have a state."""
        return [state["entity_id"] for state in self._http.get("/api/states").raise_for_status().json()]

    def call(self, domain: str, service: str, **data: Any) -> None:
        """What a button or a switch on its page does."""
        self._posted(f"/api/services/{domain}/{service}", data)

    def _posted(self, path: str, given: dict[str, Any]) -> Any:
        return self._http.post(path, json=given).raise_for_status().json()


@contextmanager
def home_assistant(folder: Path, automations: Sequence[dict[str, Any]] = ()) -> Iterator[HomeAssistant]:
    """Started with these automations, our blueprints copied to where docs/home-assistant.md says."""
    if not HASS:
        pytest.skip("AFFECTD_HASS names no Home Assistant; run: make home-assistant")
    port = free_port()
    configuration = {
        "homeassistant": {"name": "House", "time_zone": "UTC", "country": "DE", "unit_system": "metric"},
        "http": {"server_host": HOST, "server_port": port},
        "frontend": {},
        "config": {},
        "history": {},
        "scene": [],
        "input_boolean": {"told": {"name": "Told"}},
        "automation": list(automations),
    }
    (folder / "configuration.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    copies = folder / "blueprints" / "automation" / "affectd"
    shutil.copytree(BLUEPRINTS, copies, ignore=shutil.ignore_patterns("card*"))
    address, command = f"http://{HOST}:{port}", [HASS, "-c", folder, "--skip-pip"]
    with (
        (folder / "said").open("wb") as said,
        started(command, stdout=said, stderr=said),
        httpx.Client(base_url=address, trust_env=False, timeout=30.0) as http,
    ):
        eventually(lambda: _answers(address), START_S)
        core = HomeAssistant(address, http)
        core.onboard()
        yield core


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/onboarding", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
