from pathlib import Path

from device.appliance.state_folder import StateFolder
from device.publish.identities import Identity

NOW = Identity("kitchen", "affectd", "homeassistant", "boot")


def test_a_name_that_cannot_be_remembered_is_a_problem_until_it_can(tmp_path: Path) -> None:
    in_the_way = tmp_path / "identities.json.new"
    (in_the_way / "x").mkdir(parents=True)
    with StateFolder(tmp_path, NOW) as store:
        assert store.problem == ""
        store.identities.settle()
        assert "identities.json: cannot be written" in store.problem
        (in_the_way / "x").rmdir()
        in_the_way.rmdir()
        store.mend()
        assert store.problem == ""
    assert (tmp_path / "identities.json").is_file()
