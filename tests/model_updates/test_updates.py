"""Model sets that come after the package: what is switched to, what is refused, and what a power cut leaves."""

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, affectd, write_config
from packed_sets import Owner, active_name, install, roll_back
from perception import MODELS, detector

from device.errors import AffectdError
from device.models.sets import load_set, models_folder, package_folder
from device.updates.archive import unpack
from device.updates.pack import pack

pytestmark = pytest.mark.slow


def test_a_packed_set_is_installed_and_a_second_one_and_both_ways_back_lead_home(
    baseline: Path, affectd_1: Path, owner: Owner, root: Path
) -> None:
    for file, name in ((baseline, "baseline"), (affectd_1, "affectd-1")):
        done = install(file, root=root, keys=owner.keys)
        assert (done.models.name, done.signed_by, active_name(root)) == (name, "owner.pub", name)
        assert done.deviation <= 1 / 256
    back = roll_back(root)
    assert (back.name if back else None, active_name(root)) == ("baseline", "baseline")
    assert (roll_back(root), active_name(root)) == (None, "the package's")
    with pytest.raises(AffectdError, match="no model set is installed"):
        roll_back(root)


def test_what_is_installed_is_what_the_appliance_serves_from_its_next_start(
    baseline: Path, owner: Owner, root: Path
) -> None:
    environment = {"AFFECTD_INSTALLED_MODELS": str(root)}
    assert served(environment) == "affectd-1"
    done = affectd("models", "install", baseline, "--keys", owner.keys, environment=environment)
    assert done.returncode == 0, done.stderr
    assert "'baseline' is active: signed with owner.pub" in done.stdout
    assert "systemctl restart affectd.service" in done.stdout
    assert served(environment) == "baseline"
    assert served(environment, "--model-set", "affectd-1") == "affectd-1"
    assert "baseline gives its golden answers" in affectd("models", "verify", environment=environment).stdout
    assert str(root) in affectd("models", "list", environment=environment).stdout
    assert affectd("models", "rollback", environment=environment).returncode == 0
    assert served(environment) == "affectd-1"


def served(environment: dict[str, str], *arguments: str) -> str:
    done = affectd("replay", HAPPY_CLIP, "--mode", "face", "--rate", "1", "--json", *arguments, environment=environment)
    return str(json.loads(done.stdout.splitlines()[0])["model_set"])


def test_a_set_that_the_configuration_names_is_found_in_the_package_too(
    baseline: Path, owner: Owner, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(baseline, root=root, keys=owner.keys)
    monkeypatch.setenv("AFFECTD_INSTALLED_MODELS", str(root))
    assert models_folder() == models_folder(name="baseline") == (root / "active").resolve()
    assert models_folder(name="affectd-1") == package_folder()
    assert models_folder("elsewhere") == Path("elsewhere")


def test_a_configuration_that_keeps_another_set_in_use_is_named(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    config = write_config(tmp_path, models={"set": "affectd-1"})
    arguments = ("models", "install", baseline, "--keys", owner.keys, "--config", config)
    done = affectd(*arguments, environment={"AFFECTD_INSTALLED_MODELS": str(root)})
    assert f"models.set = 'affectd-1' in {config} keeps affectd on another set" in done.stdout


def test_the_same_file_again_changes_nothing(baseline: Path, owner: Owner, root: Path) -> None:
    install(baseline, root=root, keys=owner.keys)
    with pytest.raises(AffectdError, match="active already"):
        install(baseline, root=root, keys=owner.keys)
    assert [path.name for path in (root / "sets").iterdir()] == ["0001-baseline"]


def test_only_the_set_in_use_and_the_one_before_are_kept(
    sibling: Path, affectd_1: Path, owner: Owner, root: Path
) -> None:
    for file in (sibling, affectd_1, sibling, affectd_1):
        install(file, root=root, keys=owner.keys)
    assert sorted(path.name for path in (root / "sets").iterdir()) == ["0003-sibling", "0004-affectd-1"]


def test_the_service_may_read_what_root_installed_with_a_closed_umask(baseline: Path, owner: Owner, root: Path) -> None:
    before = os.umask(0o077)
    try:
        install(baseline, root=root, keys=owner.keys)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode for path in (root, *root.rglob("*")) if path.name != ".lock"}
    assert [path for path, mode in modes.items() if not mode & 0o004] == []


def test_two_that_install_at_once_do_not_meet(baseline: Path, owner: Owner, root: Path) -> None:
    install(baseline, root=root, keys=owner.keys)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AffectdError, match="another `affectd models` is at work"):
            roll_back(root)
    assert roll_back(root) is None


def test_a_place_that_cannot_be_is_named(baseline: Path, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AffectdError, match=r"file/installed: cannot change the model sets"):
        install(baseline, root=tmp_path / "file" / "installed", keys=owner.keys)


def test_without_what_judges_it_a_restart_is_refused_before_anything_is_done(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    environment = {"AFFECTD_INSTALLED_MODELS": str(root), "PATH": str(tmp_path)}
    done = affectd("models", "install", baseline, "--keys", owner.keys, "--restart", environment=environment)
    assert (done.returncode, done.stderr.count("no affectd-trial.service here")) == (1, 1)
    assert active_name(root) == "the package's"


def test_a_checkout_is_not_installed_into_by_accident(baseline: Path) -> None:
    done = affectd("models", "install", baseline)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "set AFFECTD_INSTALLED_MODELS" in done.stderr


def test_packing_states_what_it_made_and_others_can_check_it_by_hand(owner: Owner, tmp_path: Path) -> None:
    detector()
    file = tmp_path / "set.tar"
    done = affectd("models", "pack", "affectd-1", "--key", owner.key, "--out", file)
    assert f"{file}: model set 'affectd-1', {file.stat().st_size} bytes" in done.stdout
    unpack(file, tmp_path)
    by_hand = ["minisign", "-V", "-p", str(owner.keys / "owner.pub"), "-m", str(tmp_path / "manifest.json")]
    assert subprocess.run(by_hand, capture_output=True, timeout=120).returncode == 0


def test_a_set_can_not_be_packed_without_a_key_or_into_a_place_that_is_none(owner: Owner, tmp_path: Path) -> None:
    detector()
    models = load_set(MODELS, "affectd-1")
    with pytest.raises(AffectdError, match="no such key; make one with: minisign -G"):
        pack(models, key=tmp_path / "gone", file=tmp_path / "set.tar")
    with pytest.raises(AffectdError, match="cannot write the model set"):
        pack(models, key=owner.key, file=tmp_path / "gone" / "set.tar")
    assert list(tmp_path.iterdir()) == []
