#!/usr/bin/python3 -IS
"""An update of affectd is on trial until the service is as well as it was before; else it goes back by itself.

    trial models    `affectd models install --restart` says: another model set is about to be switched to
    trial watch     judge what is on trial, and make whole what a power cut left half installed (affectd-trial.service)

One file and only Python's own library: dpkg replaces it in one piece, so it is whole in the middle of an update, too.
In `KEPT`, which is root's alone since what lies in it may be installed:

    arrived.deb     the package that came last: preinst keeps it before anything is unpacked
    working.deb     the last version that was well
    before.deb      the one that was well before that
    on-trial        preinst: the service's invocation and what it said of itself before; empty if it did not run
    taking-back     the same, once the verdict has fallen: a power cut does not undo it
    models-on-trial the same for a model set, and which one was active before
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

KEPT = Path("/var/cache/affectd/kept")
ARRIVED, WORKING, BEFORE = KEPT / "arrived.deb", KEPT / "working.deb", KEPT / "before.deb"
ON_TRIAL, TAKING_BACK, MODELS_ON_TRIAL = KEPT / "on-trial", KEPT / "taking-back", KEPT / "models-on-trial"
REFUSED = Path("/etc/apt/preferences.d/affectd-refused")
PERCEIVES = ("online", "dark")
"""Of a part that does its work. That the light went out during a trial is not the update's doing."""
CHECKS = Path("/etc/affectd/healthy.d")
VERDICT = Path("/run/affectd-trial/verdict")
ACTIVE_MODELS = Path("/var/lib/affectd-models/active")
LOCK = Path("/var/lib/dpkg/lock-frontend")
AFFECTD, UNIT = "/opt/affectd/bin/affectd", "affectd.service"

# A service that hangs from the start is killed by its watchdog after 30 s.
STEADY_S = float(os.environ.get("AFFECTD_STEADY_S", "35"))
PATIENCE_S = float(os.environ.get("AFFECTD_PATIENCE_S", "60"))
# A broker or a camera that was online before may be restarted by the same update.
PARTS_PATIENCE_S = 2 * PATIENCE_S
CHECK_S = 30.0
LOCK_S = 600.0
# dpkg takes minutes on a slow card. One that hangs is ended, and what it left is made whole at the next start.
LONGEST_S = 3600.0
POLL_S = 1.0


def main(arguments: list[str]) -> int:
    """Do what the one word on the command line says; the exit status."""
    if arguments not in (["models"], ["watch"]):
        print("trial: say models or watch", file=sys.stderr)
        return 64
    KEPT.mkdir(mode=0o700, parents=True, exist_ok=True)
    if arguments == ["watch"]:
        return watch()
    write(MODELS_ON_TRIAL, f"{Before.of_service().text}\n{active_models()}\n")
    return 0


def watch() -> int:
    """Everything that is to be done, the package first: a model set can wait, a broken package cannot."""
    # Asked at every start: dpkg calls a package half installed before its first script could leave a mark.
    if not is_whole() and not TAKING_BACK.exists():
        with package_lock():  # whoever is installing it just now will be done by then
            if not is_whole():
                make_whole()
    done = settle_return() if TAKING_BACK.exists() else True
    # A version may have come without a mark: one from before there were marks, or the first of a card image.
    if done and (ON_TRIAL.exists() or version_of(WORKING) != installed_version()):
        done = judge_package()
    while MODELS_ON_TRIAL.exists():
        judge_models()
    return 0 if done else 1


# The package


def judge_package() -> bool:
    """Keep the version that is installed, or go back. False if that is still to be done."""
    before, version = Before.read(ON_TRIAL), installed_version()
    why = wait_until_well(before)
    with package_lock():  # if another version is coming just now, its postinst starts us anew
        if verdict := _stays(before, version, why):
            return close(ON_TRIAL, f"affectd {version} {verdict}")
        begin_return(before, version, why)
    return settle_return()


def _stays(before: Before, version: str, why: str) -> str:
    """What is said of a version that stays; empty if it has to go."""
    if not why:
        return f"is healthy, {keep(version)}"
    if show("ActiveState") == ["inactive"]:
        return "was stopped by hand, so it is not judged"
    if not before.invocation:
        return f"is not healthy: {why}; but neither did the service run before: nothing is taken back"
    if version == version_of(WORKING):
        return f"is not healthy: {why}; it is the version that worked before: nothing is taken back"
    if not ways_back(version):
        return f"is not healthy: {why}; no other version is kept to go back to"
    return ""


def make_whole() -> None:
    """After a power cut in the middle of an installation. Forward first: else files of the new version stay behind.

    If the version that came had not been kept yet, nothing of it was unpacked either.
    """
    if wanted() in ("deinstall", "purge"):
        return
    came = version_of(ARRIVED)
    if any(put(file) for file in ([ARRIVED] if came else ways_back(""))):
        say(f"affectd was half installed, and {installed_version()} was made whole")
    elif came and ways_back(came):
        begin_return(Before.read(ON_TRIAL), came, "it cannot be installed wholly")
    else:
        say(
            "affectd is half installed, and nothing is kept that could be installed; run: apt-get -f install",
            severity=3,
        )


def begin_return(before: Before, version: str, why: str) -> None:
    """From here on there is no other verdict, whatever happens."""
    say(
        f"affectd {version or '(?)'} did not get healthy: {why}. The version before comes back, and this one is "
        f"refused from now on; to try it again: sudo rm {REFUSED}",
        severity=3,
    )
    write(TAKING_BACK, f"{before.text}\n{version}\n")
    ON_TRIAL.unlink(missing_ok=True)


def settle_return() -> bool:
    """Put back the newest version that worked. False if none could be: the next start of the machine tries again."""
    before, failed = Before.read(TAKING_BACK), third_line(TAKING_BACK)
    if failed:  # of a file that nobody kept nothing is known
        refuse(failed)
    with package_lock():
        if not any(is_installed(file) or put(file) for file in ways_back(failed)):
            # Better the new one, which may be half well, than none.
            systemctl("start", "--no-block", UNIT)
            say("no version that is kept could be put back; the next start of the machine tries again", severity=3)
            return False
        ARRIVED.unlink(missing_ok=True)
    verdict, why = f"affectd {installed_version()} is back", wait_until_well(before)
    if why and failed:
        forgive(failed)
        verdict += f", but with it, too, {why}: so affectd {failed} is not to blame, and not refused"
    return close(TAKING_BACK, verdict)


def is_installed(file: Path) -> bool:
    """Whether this very version is, wholly."""
    return is_whole() and installed_version() == version_of(file)


def put(file: Path) -> bool:
    """Install a kept file. dpkg alone: unlike apt it does not ask first that everything else be in order."""
    systemctl("stop", UNIT)
    # Else the starts that failed would count against the version that comes.
    systemctl("reset-failed", UNIT)
    options = ["--force-confold,downgrade"]
    run("dpkg", "--install", *options, str(file))
    if not is_whole():  # what it needs may have been half installed with it
        run("dpkg", "--configure", "--pending", *options)
    return is_installed(file)


def keep(version: str) -> str:
    """See that the version, which works, can be gone back to, and the one before it. What came of it."""
    kept = version_of(WORKING) == version
    if not kept and version_of(ARRIVED) != version and version_of(BEFORE) == version:
        BEFORE.replace(ARRIVED)  # the one before came back
    newest = ARRIVED if version_of(ARRIVED) == version else None if kept else repack(version)
    if newest:
        if WORKING.exists() and not kept:
            WORKING.replace(BEFORE)
        newest.replace(WORKING)
        sync_folder(KEPT)
    shutil.rmtree(KEPT / "new", ignore_errors=True)
    ARRIVED.unlink(missing_ok=True)
    return "and kept" if newest or kept else "but could not be kept to go back to"


def repack(version: str) -> Path | None:
    """The package as it is installed, where nobody kept the file it came in.

    Of versions that had a configuration file in them, the one that is here is packed, and left alone on the way back.
    """
    folder, needed = KEPT / "new", 2_000 * int(of_package("${Installed-Size}"))  # kB; its files are copied first
    shutil.rmtree(folder, ignore_errors=True)
    if shutil.disk_usage(KEPT).free < needed:
        say(f"{KEPT}: {needed / 1e6:.0f} MB are needed to pack the version that works; sudo apt clean frees some", 4)
        return None
    if changed_files():
        say("the installed files are not what they were (dpkg --verify affectd), so they are not packed", severity=4)
        return None
    folder.mkdir()
    run("dpkg-repack", "--tag=none", "--deb-option=-Zgzip", "--deb-option=-z1", "affectd", cwd=folder)
    for made in folder.glob("*.deb"):
        if version_of(made) == version and run("dpkg-deb", "--contents", str(made), quiet=True).returncode == 0:
            sync_file(made)
            return made
    say("dpkg-repack made no whole package of the version that works", severity=4)
    return None


def changed_files() -> list[str]:
    """Lines of dpkg about files that are not as they were packed; a configuration file (marked c) may be another."""
    found = run("dpkg", "--verify", "affectd", quiet=True).stdout.splitlines()
    return [line for line in found if line[10:11] != "c"]


def ways_back(failed: str) -> list[Path]:
    """The kept files of other versions, the newest first."""
    return [file for file in (WORKING, BEFORE) if (version := version_of(file)) and version != failed]


def refuse(version: str) -> None:
    """apt does not choose it any more, and preinst refuses its file. If that cannot be written the return goes on."""
    if stanza(version) in refusals():
        return
    try:
        write(REFUSED, f"{refusals()}{stanza(version)}")
    except OSError as error:
        say(f"affectd {version} cannot be refused, so it may come again: {REFUSED}: {error.strerror}", severity=3)


def forgive(version: str) -> None:
    """Take the refusal back."""
    if left := refusals().replace(stanza(version), ""):
        write(REFUSED, left)
    else:
        REFUSED.unlink(missing_ok=True)


def refusals() -> str:
    """Of all versions, as apt reads them."""
    return REFUSED.read_text() if REFUSED.exists() else ""


def stanza(version: str) -> str:
    """The refusal of one version."""
    return f"Package: affectd\nPin: version {version}\nPin-Priority: -1\n\n"


def is_whole() -> bool:
    """Whether dpkg calls the package installed."""
    return of_package("${Status}").endswith(" ok installed")


def wanted() -> str:
    """What dpkg was told to do with the package: install, hold, deinstall or purge."""
    return of_package("${Status}").partition(" ")[0]


def installed_version() -> str:
    """As dpkg knows it, even if half of it is there."""
    return of_package("${Version}")


def of_package(field: str) -> str:
    """A field of dpkg's about the installed package; empty if it knows none."""
    return run("dpkg-query", f"--showformat={field}", "--show", "affectd", quiet=True).stdout


def version_of(file: Path) -> str:
    """Of a package in a file; empty if there is none that can be read."""
    return run("dpkg-deb", "--field", str(file), "Version", quiet=True).stdout.strip() if file.exists() else ""


@contextmanager
def package_lock() -> Iterator[None]:
    """Wait until apt is done, and keep it away meanwhile: whoever is installing is not interrupted or overtaken."""
    with LOCK.open("a") as lock:
        end_s = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > end_s:
                    raise SystemExit(f"another package manager is at work for more than {LOCK_S:.0f} s") from None
                time.sleep(POLL_S)
        yield


# A model set


def judge_models() -> None:
    """Start the service with the set that was switched to, unless it has been; keep the set, or go back."""
    before, old = Before.read(MODELS_ON_TRIAL), third_line(MODELS_ON_TRIAL)
    new = active_models()
    if new == old:
        close(MODELS_ON_TRIAL, "no other model set came")
        return
    state, invocation = show("ActiveState", "InvocationID")
    if state in ("inactive", "failed") or invocation == before.invocation:
        restart()
    why = wait_until_well(before)
    if not why:
        close(MODELS_ON_TRIAL, f"affectd is healthy with {new}, which stays")
    elif not before.invocation:
        close(MODELS_ON_TRIAL, f"{why} with {new}; but neither did the service run before: {new} stays")
    else:
        say(f"{why} with {new}: {old or 'the set of the package'} comes back", severity=3)
        run(AFFECTD, "models", "rollback")
        restart()
        close(MODELS_ON_TRIAL, f"{why} with {new}, so {active_models() or 'the set of the package'} is active again")


def restart() -> None:
    """And do not wait for it."""
    systemctl("reset-failed", UNIT)
    systemctl("restart", "--no-block", UNIT)


def active_models() -> str:
    """Where the link to the active set leads; empty: there is none, and the package's own serves."""
    return str(ACTIVE_MODELS.readlink()) if ACTIVE_MODELS.is_symlink() else ""


# The service


@dataclass(frozen=True)
class Before:
    """How the service was before the update: its invocation (empty if it did not run) and what it said of itself."""

    invocation: str
    status: str

    @classmethod
    def of_service(cls) -> Before:
        """As it is now."""
        state, invocation, status = show("ActiveState", "InvocationID", "StatusText")
        return cls(invocation, status) if state == "active" else cls("", "")

    @classmethod
    def read(cls, file: Path) -> Before:
        """From a mark; without one the service did not run."""
        invocation, status, _ = lines_of(file)
        return cls(invocation, status)

    @property
    def text(self) -> str:
        """As it stands in a mark."""
        return f"{self.invocation}\n{self.status}"


def wait_until_well(before: Before) -> str:
    """Empty once the service is as well as it was before; what is wrong if it does not get so in time."""
    begin_s = time.monotonic()
    while True:
        patience_s = PATIENCE_S
        why = service_fault(before)
        if not why:
            patience_s = PARTS_PATIENCE_S
            why = parts_fault(before.status, show("StatusText")[0]) or own_checks_fault()
        if not why or time.monotonic() - begin_s > patience_s:
            return why
        time.sleep(POLL_S)


def service_fault(before: Before) -> str:
    """Whether the new one started, and stays."""
    state, invocation, since_us = show("ActiveState", "InvocationID", "ActiveEnterTimestampMonotonic")
    if not is_whole():
        return "the package is not wholly installed"
    if state != "active" or invocation == before.invocation:
        return "the service does not get ready"
    if time.monotonic() - int(since_us) / 1e6 < STEADY_S:
        return f"the service does not stay for {STEADY_S:.0f} s"
    return ""


def parts_fault(before: str, after: str) -> str:
    """What was online before must be so again. It says so itself, in its status: `broker online, camera online, …`."""
    then, now = parts(before), parts(after)
    if not now:  # an old version, which says nothing of its parts
        return ""
    for part, state in then.items():
        found = now.get(part, "not there")
        closed = found == "disabled" and now.get("privacy") == "on"
        if state in PERCEIVES and found not in PERCEIVES and not closed:
            return f"{part} was {state} before, and is {found}"
    return ""


def parts(status: str) -> dict[str, str]:
    """The state of each part by its name."""
    return dict(words for each in status.split(", ") if len(words := each.split(" ")) == 2)


def own_checks_fault(folder: Path = CHECKS) -> str:
    """The checks of this machine's owner: programs, in the order of their names, that end with 0 if all is well."""
    for check in sorted(folder.glob("*")):
        if not check.exists():
            return f"{check} leads nowhere that this service sees (not into /home or /root)"
        if check.is_file() and os.access(check, os.X_OK):
            try:
                done = subprocess.run(
                    [check],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    encoding="utf-8",
                    errors="backslashreplace",  # what it says decides nothing
                    timeout=CHECK_S,
                    check=False,
                )
            except (subprocess.TimeoutExpired, OSError) as error:
                return f"{check}: {error}"
            if done.returncode:
                said = (done.stdout + done.stderr).strip().splitlines()
                return f"{check} ended with {done.returncode}" + (f" ({said[-1]})" if said else "")
    return ""


def show(*properties: str) -> list[str]:
    """Of the service, in this order."""
    told = run("systemctl", "show", *(f"--property={name}" for name in properties), UNIT, quiet=True).stdout
    found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    return [found.get(name, "") for name in properties]


def systemctl(*arguments: str) -> None:
    """Whatever comes of it."""
    run("systemctl", *arguments)


# Small things


def run(*command: str, quiet: bool = False, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A program to its end, whatever comes of it; ``quiet`` takes what it says instead of passing it on."""
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "DPKG_FRONTEND_LOCKED": "1",  # by us
        "AFFECTD_BY_TRIAL": "1",  # to the package's scripts: nothing new has come
    }
    output = subprocess.PIPE if quiet else None
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        encoding="utf-8",
        errors="backslashreplace",
        env=environment,
        cwd=cwd,
        check=False,
        timeout=LONGEST_S,
    )


def lines_of(mark: Path) -> list[str]:
    """Three, however many there are: an older version wrote one."""
    return [*(mark.read_text().splitlines() if mark.exists() else []), "", "", ""][:3]


def third_line(mark: Path) -> str:
    """The version that goes, or the model set that was active."""
    return lines_of(mark)[2]


def close(mark: Path, verdict: str) -> bool:
    """The last word on what was on trial."""
    say(verdict)
    with suppress(OSError):
        VERDICT.write_text(f"{verdict}\n")
    mark.unlink(missing_ok=True)
    sync_folder(KEPT)
    return True


def say(text: str, severity: int = 6) -> None:
    """To the journal; 3 is an error, 4 a warning, 6 for information."""
    print(f"<{severity}>{text}", flush=True)


def write(path: Path, text: str) -> None:
    """In one piece, and on the disk when this returns."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(text)
    sync_file(temporary)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Or a folder: it is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_folder = sync_file

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
