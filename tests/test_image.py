"""The recipe for cards, as far as it can be read without rpi-image-gen; check.sh beside it runs its hook in a root."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from appliance import ROOT

IMAGE = ROOT / "deploy" / "image"
LAYER = IMAGE / "layer" / "affectd-appliance.yaml"
OVERLAY = IMAGE / "layer" / "affectd-appliance.d" / "customize.overlay"
HOOK = IMAGE / "layer" / "affectd-appliance.d" / "hooks" / "customize50-appliance"
CONFIGS = sorted((IMAGE / "config").glob("*.yaml"))


def metadata() -> dict[str, str]:
    """The layer's fields; a line that begins with a space goes on with the one before."""
    block = LAYER.read_text(encoding="utf-8").partition("# METABEGIN\n")[2].partition("# METAEND\n")[0]
    text = re.sub(r"\n#  +", " ", block)
    return dict(re.findall(r"^# (X-Env-[\w-]+): ?(.*)$", text, re.MULTILINE))


def loaded(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def test_the_layer_states_all_of_its_variables_that_the_tool_asks_for() -> None:
    found = metadata()
    assert found["X-Env-Layer-Name"] == LAYER.stem
    assert {"X-Env-Layer-Category", "X-Env-Layer-Desc", "X-Env-Layer-Version", "X-Env-VarPrefix"} <= found.keys()
    variables = {name.removeprefix("X-Env-Var-") for name in found if re.fullmatch(r"X-Env-Var-[a-z]+", name)}
    for variable in variables:
        assert {f"X-Env-Var-{variable}-{field}" for field in ("Desc", "Required", "Valid", "Set")} <= found.keys()
    used = set(re.findall(r"IGconf_affectd_([a-z]+)", HOOK.read_text(encoding="utf-8")))
    assert used == variables


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_image_has_the_layer_and_no_password(config: Path) -> None:
    content = loaded(config)
    assert content["layer"]["app"] == LAYER.stem
    assert content["ssh"] == {"pubkey_only": "y"}
    assert "pass" not in str(content["device"])


def test_what_must_last_outlives_a_root_that_cannot_be_written() -> None:
    shared = (OVERLAY / "etc/rpi-image-gen/slot-shared.d/affectd.conf").read_text(encoding="utf-8")
    assert "Version=1" in shared.splitlines()
    paths = set(re.findall(r"^Path=(.+)$", shared, re.MULTILINE))
    unit = (ROOT / "systemd" / "affectd.service").read_text(encoding="utf-8")
    assert {f"/var/lib/{name}" for name in re.findall(r"^StateDirectory=(.+)$", unit, re.MULTILINE)} <= paths
    assert {"/etc/affectd", "/etc/credstore", "/var/lib/affectd-models"} <= paths


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_what_judges_updates_is_masked_where_nothing_can_be_written(config: Path) -> None:
    content = loaded(config)
    is_read_only = content["image"].get("rootfs_type") == "erofs"
    assert (content.get("affectd", {}).get("updates") == "n") is is_read_only
    hook = HOOK.read_text(encoding="utf-8")
    assert re.search(r'IGconf_affectd_updates:-y}" = n .*\n.*mask affectd-trial\.service', hook)


def test_the_journal_stays_in_memory() -> None:
    (journal,) = (OVERLAY / "etc/systemd/journald.conf.d").iterdir()
    assert "Storage=volatile" in journal.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "script", [HOOK, IMAGE / "check.sh", ROOT / "deploy" / "compose" / "prepare.sh"], ids=lambda path: path.name
)
def test_shellcheck_has_nothing_against_a_script(script: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck; install it with: apt install shellcheck")
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")
    assert script.stat().st_mode & 0o111


def test_the_hook_does_nothing_without_a_package(tmp_path: Path) -> None:
    done = subprocess.run([HOOK, tmp_path], capture_output=True, text=True, timeout=120)
    assert done.returncode
    assert "IGconf_affectd_deb=" in done.stderr
    assert list(tmp_path.iterdir()) == []
