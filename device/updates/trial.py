"""A model set on trial: what watches the package's updates watches this, too, whatever becomes of the terminal.

The judge is the Debian package's own program (deploy/debian/trial.py), run by ``affectd-trial.service``.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from device.errors import AffectdError

PROGRAM = Path("/usr/libexec/affectd/trial")
UNIT = "affectd-trial.service"
VERDICT = Path("/run/affectd-trial/verdict")
_HEALTHY = "affectd is healthy"
_POLL_S, _PATIENCE_S = 0.5, 900.0


def require_trial() -> None:
    """Raise ``AffectdError`` where nothing could judge, or something is being judged."""
    if shutil.which("systemctl") is None or not PROGRAM.exists():
        raise AffectdError(
            f"no {UNIT} here, which comes with the Debian package; leave --restart away and restart affectd by hand"
        )
    if _state() not in ("inactive", "failed"):
        raise AffectdError(f"an update is on trial just now; wait for its verdict: journalctl --follow --unit={UNIT}")


def begin() -> None:
    """Remember how the service is, before another set is switched to. Raises ``AffectdError``."""
    if subprocess.run([PROGRAM, "models"], check=False).returncode:
        raise AffectdError(f"{PROGRAM} cannot mark a trial; run this as root")


def verdict() -> tuple[bool, str]:
    """Let the service start with the set and be judged: whether it is healthy with it, and the verdict in words.

    It takes a minute or two, and does not end with us. Raises ``AffectdError`` if there is none.
    """
    VERDICT.unlink(missing_ok=True)
    if subprocess.run(["systemctl", "start", UNIT], check=False).returncode:
        raise AffectdError(f"{UNIT} cannot be started; see journalctl --unit={UNIT}")
    end_s = time.monotonic() + _PATIENCE_S
    while _state() not in ("inactive", "failed"):
        if time.monotonic() > end_s:
            raise AffectdError(f"no verdict within {_PATIENCE_S:.0f} s; see journalctl --unit={UNIT}")
        time.sleep(_POLL_S)
    try:
        verdict = VERDICT.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AffectdError(f"no verdict on the set; see journalctl --unit={UNIT}") from error
    return verdict.startswith(_HEALTHY), verdict


def _state() -> str:
    command = ["systemctl", "show", "--property=ActiveState", "--value", UNIT]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
