"""The Debian package as far as it can be looked at without installing it; deploy/debian/test_booted.py does that."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
DEBIAN = ROOT / "deploy" / "debian"
SCRIPTS = [
    *sorted(DEBIAN.glob("*.sh")),
    DEBIAN / "affectd.rtupdate",
    *(DEBIAN / "package" / name for name in ("preinst", "postinst", "prerm", "postrm")),
    *sorted((ROOT / "deploy" / "arm64").glob("*.sh")),
]
PACKAGES = sorted((ROOT / "dist").glob("affectd_*.deb"))

needs_package = pytest.mark.skipif(not PACKAGES, reason="no package in dist/; run: make deb")


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"no {tool}; run: apt-get install {tool}")


def files(package: Path) -> dict[str, str]:
    """The mode of each file, as ls writes it, by its path."""
    lines = subprocess.run(
        ["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    rows = (line.split(maxsplit=5) for line in lines.splitlines())
    return {row[5].split(" -> ")[0].removeprefix("."): row[0] for row in rows}


@pytest.mark.slow
@needs("shellcheck")
def test_the_scripts_are_sound() -> None:
    done = subprocess.run(["shellcheck", *SCRIPTS], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_package_names_the_doctor_as_its_page_does() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "docs" / "raspberry-pi.md", DEBIAN / "package" / "postinst")]
    assert [set(re.findall("sudo .*?affectd doctor", text)) for text in texts] == [{"sudo affectd doctor"}] * 2


needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


@needs_analyze
def test_what_watches_an_update_is_shut_in_as_far_as_apt_allows() -> None:
    unit = ROOT / "systemd" / "affectd-trial.service"
    command: list[str | Path] = ["systemd-analyze", "security", "--offline=true", "--threshold=35", unit]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


@needs_analyze
def test_systemd_understands_what_watches_an_update(tmp_path: Path) -> None:
    unit = tmp_path / "affectd-trial.service"
    unit.write_text((ROOT / "systemd" / unit.name).read_text().replace("/usr/libexec/affectd/trial", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("exit 0", ""),
        ("echo dark; exit 3", "lamp ended with 3 (dark)"),
        (r"printf 'K\374che\n'; exit 3", r"lamp ended with 3 (K\xfcche)"),
        (r"printf 'K\374che\n'", ""),
        (None, "lamp leads nowhere that this service sees (not into /home or /root)"),
    ],
)
def test_a_check_of_the_owner_is_judged_by_its_end_whatever_it_says_and_never_overlooked(
    tmp_path: Path, script: str | None, fault: str
) -> None:
    check = tmp_path / "lamp"
    if script is None:
        check.symlink_to(tmp_path / "home" / "lamp")
    else:
        check.write_text(f"#!/bin/sh\n{script}\n")
        check.chmod(0o755)
    ask = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import trial;"
        "print(trial.own_checks_fault(Path(sys.argv[2])))"
    )
    done = subprocess.run([sys.executable, "-c", ask, DEBIAN, tmp_path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().removeprefix(f"{tmp_path}/") == fault


@pytest.mark.parametrize("is_writable", [True, False])
def test_a_version_is_refused_once_and_a_full_disk_does_not_keep_it_from_being_taken_back(
    tmp_path: Path, is_writable: bool
) -> None:
    refused = tmp_path / "preferences.d" / "affectd-refused"
    if is_writable:
        refused.parent.mkdir()
    ask = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import trial;"
        "trial.REFUSED = Path(sys.argv[2]); trial.refuse('9.0'); trial.refuse('9.0'); print(trial.refusals(), end='')"
    )
    done = subprocess.run([sys.executable, "-c", ask, DEBIAN, refused], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    pinned = "Package: affectd\nPin: version 9.0\nPin-Priority: -1\n\n"
    assert pinned in done.stdout if is_writable else "cannot be refused" in done.stdout + done.stderr
    assert done.stdout.count(pinned) == is_writable


@needs_package
@needs("dpkg-deb")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_appliance_is_in_the_package_and_no_other_room_of_the_house(package: Path) -> None:
    found = files(package)
    models = {Path(name).name for name in found if "/models_tflite/" in name}
    assert {path.name for path in (ROOT / "models_tflite").iterdir()} | {"blazeface_short.tflite"} <= models | {""}
    examples = "/usr/share/doc/affectd/examples"
    for name in (
        "/usr/bin/affectd", "/usr/share/affectd/affectd.toml", "/usr/lib/sysusers.d/affectd.conf",
        f"{examples}/affectd-setup.toml", f"{examples}/broker-only.conf",
    ):  # fmt: skip
        assert name in found
    units = {Path(name).name for name in found if "/systemd/system/" in name and name.endswith(".service")}
    assert units == {f"affectd{part}.service" for part in ("", "-firstboot", "-trial")}
    assert found["/etc/affectd/keys/"] == found["/etc/affectd/healthy.d/"] == "drwxr-xr-x"
    assert not [name for name in found if "/desktop_server/" in name or "/quantize/" in name or name.endswith(".pyc")]
    assert not [name for name, mode in found.items() if mode[0] != "l" and "w" in mode[4:]]


@needs_package
@needs("dpkg-deb")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_file_is_one_about_which_an_update_would_ask(package: Path) -> None:
    assert not [name for name in files(package) if name.startswith("/etc/") and not name.endswith("/")]
    assert (
        subprocess.run(["dpkg-deb", "--info", package, "conffiles"], capture_output=True, timeout=120).returncode != 0
    )


def test_what_judges_an_update_needs_nothing_but_python_itself() -> None:
    done = subprocess.run([sys.executable, "-IS", DEBIAN / "trial.py"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (64, "trial: say models or watch\n")


@needs_package
@needs("dpkg-deb")
@pytest.mark.parametrize("release", ["3.11", "3.13"])
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_each_release_finds_libraries_of_its_own_python(package: Path, release: str) -> None:
    folder = f"/opt/affectd/lib/python{release}/site-packages/"
    names = {name.removeprefix(folder).split("/")[0] for name in files(package) if name.startswith(folder)}
    assert {
        "ai_edge_litert",
        "msgspec",
        "soxr",
        "_webrtcvad.cpython-" + release.replace(".", "") + ending(package),
    } <= names


def ending(package: Path) -> str:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[package.stem.rsplit("_", 1)[1]]
    return f"-{machine}-linux-gnu.so"


@needs_package
@needs("lintian")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_lintian_finds_nothing(package: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error,warning", package],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stdout) == (0, "")


def estimate(label: str, happy: float) -> str:
    return json.dumps({"label": label, "probs": {"happy": happy}, "modalities": {"face": {"probs": {"happy": happy}}}})


@pytest.mark.parametrize(
    ("other", "status"),
    [([("happy", 0.7)], 0), ([("happy", 0.707)], 0), ([("happy", 0.709)], 1), ([("sad", 0.7)], 1), ([], 1)],
)
def test_two_machines_agree_within_two_steps_of_256(
    tmp_path: Path, other: list[tuple[str, float]], status: int
) -> None:
    (tmp_path / "a").write_text(estimate("happy", 0.7))
    (tmp_path / "b").write_text("\n".join(estimate(*each) for each in other))
    command: list[str | Path] = [sys.executable, DEBIAN / "same.py", tmp_path / "a", tmp_path / "b"]
    assert subprocess.run(command, capture_output=True, timeout=120).returncode == status
