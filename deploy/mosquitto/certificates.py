"""The house's own authority and the broker's certificate, made by openssl."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

AUTHORITY_DAYS = 7300
"""Nobody goes round the house to hand out a new authority every year. The broker's own is renewed long before."""
BROKER_DAYS = 3650
RENEW_BEFORE_DAYS = 365

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# Python 3.13 checks what RFC 5280 asks for: key usage and both key identifiers.
_AUTHORITY = """\
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = affectd house authority
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_BROKER = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class BrokerError(Exception):
    """What went wrong, in one sentence with the remedy."""


def ensure_authority(folder: Path) -> str:
    """Make ``folder`` with ``ca.key`` and ``ca.crt`` unless it is there; what was done. Raises ``BrokerError``."""
    if folder.is_dir():
        _require_pair(folder)
        return "kept"
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".authority-") as name:
        made = Path(name) / "authority"
        made.mkdir()
        (made / "openssl.cnf").write_text(_AUTHORITY, encoding="ascii")
        openssl(
            made, "req", "-x509", *_NEW_KEY, "-config", "openssl.cnf", "-days", str(AUTHORITY_DAYS),
            "-keyout", "ca.key", "-out", "ca.crt",
        )  # fmt: skip
        (made / "openssl.cnf").unlink()
        made.rename(folder)  # both files at once, or neither
    return "made"


def ensure_certificate(path: Path, authority: Path, hosts: Sequence[str]) -> str:
    """Make the broker's key and certificate, one PEM file, unless it names all ``hosts`` and lasts another year."""
    if path.is_file() and _is_good(path, authority, hosts):
        return "kept"
    was_there = path.is_file()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".certificate-") as name:
        made = Path(name)
        _make_certificate(made, authority, hosts)
        both = (made / "broker.key").read_bytes() + (made / "broker.crt").read_bytes()
        (made / "broker.pem").write_bytes(both)
        (made / "broker.pem").replace(path)  # one file: key and certificate never part
    return "renewed" if was_there else "made"


def _make_certificate(made: Path, authority: Path, hosts: Sequence[str]) -> None:
    names = ",".join(f"{'IP' if is_address(host) else 'DNS'}:{host}" for host in hosts)
    (made / "extensions.cnf").write_text(_BROKER.format(names=names), encoding="ascii")
    (made / "openssl.cnf").write_text("[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = affectd broker\n")
    openssl(made, "req", "-new", *_NEW_KEY, "-config", "openssl.cnf", "-keyout", "broker.key", "-out", "broker.csr")
    by = ["-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key")]
    openssl(
        made, "x509", "-req", "-in", "broker.csr", *by,
        "-set_serial", f"0x{secrets.token_hex(16)}", "-days", str(BROKER_DAYS), "-extfile", "extensions.cnf",
        "-out", "broker.crt",
    )  # fmt: skip


def _require_pair(folder: Path) -> None:
    for name in ("ca.key", "ca.crt"):
        if not (folder / name).is_file():
            raise BrokerError(
                f"{folder / name} is missing: bring it back from your copy, or remove {folder} and hand out the new "
                "ca.crt to every node"
            )


def _is_good(path: Path, authority: Path, hosts: Sequence[str]) -> bool:
    seconds = str(RENEW_BEFORE_DAYS * 86400)
    questions = [["x509", "-in", str(path), "-noout", "-checkend", seconds]]
    questions += [["verify", "-CAfile", str(authority / "ca.crt"), *_named(host), str(path)] for host in hosts]
    return all(_ask(question) for question in questions)


def _named(host: str) -> list[str]:
    return ["-verify_ip" if is_address(host) else "-verify_hostname", host]


def is_address(host: str) -> bool:
    """Whether it is an IP address, no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder. Raises ``BrokerError``."""
    done = subprocess.run([_tool(), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise BrokerError(f"openssl {arguments[0]} failed ({said}); is {folder} writable, openssl 3 installed?")


def _ask(question: Sequence[str]) -> bool:
    return subprocess.run([_tool(), *question], capture_output=True, check=False).returncode == 0


def _tool() -> str:
    found = shutil.which("openssl")
    if found is None:
        raise BrokerError("openssl is not installed; run: apt install openssl")
    return found
