"""Signatures by minisign (Ed25519), which Debian packages: 0.1 MB with libsodium, and no crypto of our own.

The same tool makes the owner's key, signs a set and lets anybody check it by hand.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from device.errors import AffectdError, ModelError

DEFAULT_KEYS = Path("/etc/affectd/keys")
"""Whose sets are trusted: a public key (``*.pub``) of minisign each."""
SIGNATURE_SUFFIX = ".minisig"


def require_signed(file: Path, keys: Path) -> str:
    """The name of the trusted key that signed ``file`` (its signature beside it). Raises ``ModelError`` if none did."""
    signature = file.with_name(file.name + SIGNATURE_SUFFIX)
    if not file.is_file():
        raise ModelError(f"not a whole model set: it has no {file.name}; copy or download it again")
    if not signature.is_file():
        raise ModelError("the model set is not signed; its owner packs it with `affectd models pack --key …`")
    trusted = sorted(keys.glob("*.pub"))
    if not trusted:
        raise ModelError(f"{keys}: no key to trust (*.pub); put the public key of the set's owner there")
    for key in trusted:
        if _minisign("-V", "-q", "-p", str(key), "-x", str(signature), "-m", str(file)).returncode == 0:
            return key.name
    names = ", ".join(key.name for key in trusted)
    raise ModelError(
        f"the model set is not signed by a key that is trusted here, or was altered since ({keys}: {names}); get it "
        "from its owner again"
    )


def sign(file: Path, secret_key: Path) -> None:
    """Write the signature beside ``file``. minisign asks at the terminal if the key has a password.

    Raises ``AffectdError``.
    """
    if not secret_key.is_file():
        raise AffectdError(f"{secret_key}: no such key; make one with: minisign -G -s {secret_key} -p owner.pub")
    done = _minisign("-S", "-s", str(secret_key), "-m", str(file), "-t", "affectd model set", asks=True)
    if done.returncode:
        raise AffectdError(f"{secret_key}: minisign could not sign with it ({(done.stderr or '').strip()})")


def _minisign(*arguments: str, asks: bool = False) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("minisign")
    if tool is None:
        raise AffectdError("minisign is not installed, which checks signatures; run: apt install minisign")
    stdin = None if asks else subprocess.DEVNULL
    return subprocess.run([tool, *arguments], stdin=stdin, capture_output=not asks, text=True, check=False)
