# ruff: noqa: D103 - test names are sentences
"""Updates that roll through a fleet, and those that must not: `make fleet` runs this."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import variants
from containers import ARCH, NODES, SETTINGS, Fleet, version_of


def newer(fleet: Fleet, tmp_path: Path, change: Callable[[Path], None]) -> Path:
    """A folder with the version 9.0 of the package, which says so itself."""

    def renamed(tree: Path) -> None:
        (metadata,) = tree.glob("opt/affectd/lib/common/affectd-*.dist-info/METADATA")
        metadata.write_text(re.sub(r"(?m)^Version: .*$", "Version: 9.0", metadata.read_text()))
        change(tree)

    made = variants.variant(fleet.package, "9.0", tmp_path, renamed)
    return made.rename(tmp_path / f"affectd_9.0_{ARCH}.deb")


def test_an_update_rolls_through_the_fleet_one_by_one(fleet: Fleet, tmp_path: Path) -> None:
    newer(fleet, tmp_path, variants.sound)
    done = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert done.code == 0
    assert fleet.versions() == ["9.0", "9.0"]
    assert [fleet.heard(f"{name}/info")["version"] for name in NODES] == ["9.0", "9.0"]
    kitchen, hall = (done.said.index(f"changed: [{name}]") for name in NODES)
    assert "ok: [kitchen]" not in done.said[hall:].partition("PLAY RECAP")[0], "both were changed at once"
    assert kitchen < hall


def test_an_update_that_does_not_get_healthy_stops_at_the_first_node_which_goes_back(
    fleet: Fleet, tmp_path: Path
) -> None:
    before = version_of(fleet.package)
    newer(fleet, tmp_path, variants.is_never_ready)
    done = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert done.code != 0
    assert f"kitchen did not get healthy with affectd 9.0 and is back on {before}" in re.sub(r"\s+", " ", done.said)
    assert (done.count("failed", "kitchen"), done.changed()["hall"]) == (1, 0)
    assert fleet.versions() == [before, before]
    assert [fleet.heard(f"{name}/status")["state"] for name in NODES] == ["online", "online"]
    again = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert "kitchen has tried affectd 9.0, and went back" in re.sub(r"\s+", " ", again.said)
    assert set(again.changed().values()) == {0}


def test_a_package_that_has_anothers_name_is_not_installed(fleet: Fleet, tmp_path: Path) -> None:
    shutil.copy(fleet.package, tmp_path / f"affectd_9.0_{ARCH}.deb")
    done = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert "give it its name back" in done.said
    assert fleet.versions() == [version_of(fleet.package)] * 2


def test_a_change_of_the_settings_restarts_a_node_and_one_that_it_cannot_use_does_not(fleet: Fleet) -> None:
    kitchen = fleet.machines["kitchen"]
    before = kitchen.tells("InvocationID")
    refused = fleet.order(affectd_settings={**SETTINGS, "fusion": {"uncertain_below": 7.0}})
    assert "uncertain_below" in refused.said
    assert (kitchen.tells("InvocationID"), kitchen.tells("ActiveState")) == (before, "active")
    done = fleet.order(affectd_settings={**SETTINGS, "fusion": {"uncertain_below": 0.5}})
    assert done.code == 0
    assert kitchen.tells("InvocationID") != before
    assert "uncertain_below = 0.5" in kitchen.run("affectd config show")


def test_a_signed_model_set_comes_to_all_and_a_strangers_to_none(fleet: Fleet) -> None:
    hall = fleet.machines["hall"]
    for owner in ("owner", "stranger"):
        hall.run(f"cd /srv && minisign -G -W -s {owner}.key -p {owner}.pub")
        hall.run(f"cd /srv && affectd models pack baseline --key {owner}.key --out {owner}.models.tar")
    ours: dict[str, Any] = {"affectd_keys": [str(hall.root / "srv/owner.pub")]}
    refused = fleet.order(**ours, affectd_model_set=str(hall.root / "srv/stranger.models.tar"))
    assert "not signed by a key that is trusted here" in re.sub(r"\s+", " ", refused.said)
    done = fleet.order(**ours, affectd_model_set=str(hall.root / "srv/owner.models.tar"))
    assert done.code == 0
    assert [fleet.heard(f"{name}/info")["model_set"] for name in NODES] == ["baseline", "baseline"]
    again = fleet.order(**ours, affectd_model_set=str(hall.root / "srv/owner.models.tar"))
    assert (again.code, set(again.changed().values())) == (0, {0})
