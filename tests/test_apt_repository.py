"""The apt repository that one command makes, read by apt itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PUBLISH = Path(__file__).parents[1] / "deploy" / "apt" / "publish.sh"
KEY = "releases@affectd.invalid"

for tool in ("reprepro", "gpg", "apt-get", "dpkg-deb"):
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here", allow_module_level=True)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", KEY, "ed25519", "sign", keyring=home)
    return home


def run(*command: str | Path, keyring: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", **({"GNUPGHOME": str(keyring)} if keyring else {})}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, env=environment)


def package(folder: Path, version: str, text: str = "") -> Path:
    """A real package of that name, with a line in it."""
    tree = folder / f"affectd-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: affectd\nVersion: {version}\nArchitecture: amd64\nSection: net\nPriority: optional\n"
        "Maintainer: nobody <nobody@affectd.invalid>\nDescription: a stand-in\n"
    )
    (tree / "text").write_text(text)
    path = folder / f"affectd_{version}_amd64.deb"
    assert run("dpkg-deb", "--root-owner-group", "--build", tree, path).returncode == 0
    shutil.rmtree(tree)
    return path


class Apt:
    """apt with folders of its own, which trusts what a node is given."""

    def __init__(self, folder: Path, repository: Path) -> None:
        for part in ("state/lists/partial", "cache/archives/partial", "parts"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        line = (repository / "affectd.list").read_text()
        (folder / "affectd.list").write_text(
            line.replace("/etc/apt/keyrings/affectd.asc", str(repository / "affectd.asc"))
        )
        self._options = [
            *("-o", f"Dir::State={folder / 'state'}", "-o", f"Dir::State::status={folder / 'status'}"),
            *("-o", f"Dir::Cache={folder / 'cache'}", "-o", f"Dir::Etc::sourcelist={folder / 'affectd.list'}"),
            *(
                "-o",
                f"Dir::Etc::sourceparts={folder / 'parts'}",
                "-o",
                f"Dir::Etc::preferencesparts={folder / 'parts'}",
            ),
            *("-o", "APT::Architecture=amd64", "-o", "APT::Sandbox::User=root"),
        ]

    def update(self) -> subprocess.CompletedProcess[str]:
        return run("apt-get", *self._options, "update", "--error-on=any")

    def candidate(self) -> str:
        told = run("apt-cache", *self._options, "policy", "affectd").stdout
        return next(line.split()[1] for line in told.splitlines() if "Candidate" in line)


def publish(keyring: Path, folder: Path, *packages: Path, key: str = KEY) -> subprocess.CompletedProcess[str]:
    return run(PUBLISH, key, f"file:{folder}", folder, *packages, keyring=keyring)


def test_apt_takes_the_newest_of_what_was_published(keyring: Path, tmp_path: Path) -> None:
    folder = tmp_path / "apt"
    first = publish(keyring, folder, package(tmp_path, "1.0"))
    assert (first.returncode, "1.0 (amd64)" in first.stdout) == (0, True), first.stderr
    apt = Apt(tmp_path / "node", folder)
    assert apt.update().returncode == 0
    assert apt.candidate() == "1.0"
    assert publish(keyring, folder, package(tmp_path, "1.1")).returncode == 0
    assert apt.update().returncode == 0
    assert apt.candidate() == "1.1"


def test_apt_refuses_what_was_altered_on_the_way(keyring: Path, tmp_path: Path) -> None:
    folder = tmp_path / "apt"
    publish(keyring, folder, package(tmp_path, "1.0"))
    release = folder / "dists" / "stable" / "InRelease"
    release.write_text(release.read_text().replace("Label: affectd", "Label: another"))
    done = Apt(tmp_path / "node", folder).update()
    assert (done.returncode, "signatures were invalid" in done.stderr) == (100, True), done.stderr


def test_another_file_of_a_version_that_is_out_is_refused(keyring: Path, tmp_path: Path) -> None:
    folder = tmp_path / "apt"
    publish(keyring, folder, package(tmp_path, "1.0"))
    done = publish(keyring, folder, package(tmp_path, "1.0", "other"))
    assert done.returncode != 0
    assert "1.0" in done.stderr


def test_what_is_missing_is_named_with_its_remedy(keyring: Path, tmp_path: Path) -> None:
    done = publish(keyring, tmp_path / "apt", package(tmp_path, "1.0"), key="stranger@affectd.invalid")
    assert (done.returncode, "gpg --quick-generate-key stranger@affectd.invalid" in done.stderr) == (1, True)
    done = publish(keyring, tmp_path / "apt")
    assert (done.returncode, "make deb" in done.stderr) == (2, True)
    assert not (tmp_path / "apt").exists()
