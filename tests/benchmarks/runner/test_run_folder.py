from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.lock import LockedError
from benchmarks.runner.run_folder import KeyMismatchError, RunFolder, key_of, path_of
from benchmarks.runner.trace import DamagedError
from benchmarks.settings import RunSettings
from methods.random_search import RandomSearch
from support.rows import run_meta
from support.settings import run_settings
from support.tiny import Tiny

TASK = {"_target_": "support.tiny.Tiny", "name": "tiny", "data_dir": "/somewhere"}


def settings(**changes: Any) -> RunSettings:
    method = {"_target_": "methods.random_search.RandomSearch", "name": "random"}
    return run_settings(**{"results": "runs", "method": method, "task": TASK, **changes})


def key(**changes: Any) -> dict[str, Any]:
    task = Tiny()
    return key_of(settings(**changes), RandomSearch(task.space, task.fidelities), task)


def test_the_path_names_study_task_method_and_seed() -> None:
    assert path_of(settings(seed=3), []) == Path("runs/default/tiny/random/seed-3")


def test_overrides_that_change_the_run_get_a_folder_each() -> None:
    paths = {
        path_of(settings(), ["seed=1", "method=random", override])
        for override in ("method.eta=2", "method.eta=4", "+method.eta=4", "workers.n=9")
    }
    assert {p.parent.name for p in paths} == {
        "random,method.eta=2",
        "random,method.eta=4",
        "random,workers.n=9",
    }


def test_where_the_data_lies_and_long_overrides_do_not_break_the_path() -> None:
    path = path_of(settings(), ["task.data_dir=/a/b", "method.x=" + "y" * 300])
    assert len(path.parent.name) < 120
    assert "/a/b" not in str(path)


def test_the_key_ignores_where_things_lie_and_holds_what_decides_the_run() -> None:
    elsewhere = TASK | {"data_dir": "/elsewhere"}
    assert key() == key(results="other", study="x", plot=False, task=elsewhere)
    assert key() != key(seed=1)
    assert {"method.version", "task.version"} <= set(key())


def test_a_raised_version_is_another_key() -> None:
    class Newer(RandomSearch):
        version = RandomSearch.version + 1

    task = Tiny()
    assert key() != key_of(settings(), Newer(task.space, task.fidelities), task)


def test_our_own_classes_may_move_and_others_are_known_by_their_source() -> None:
    assert "method._target_" not in key()
    assert key() == key(method={"_target_": "methods.RandomSearch", "name": "random"})
    assert key()["task._target_"] == "support.tiny.Tiny"
    assert len(key()["task.source"]) == 16


def test_a_run_made_before_its_class_moved_goes_on(tmp_path: Path) -> None:
    held = key() | {"method._target_": "methods.once_upon_a_time.RandomSearch"}
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key=held))
        folder.check_key(key())


def test_a_run_made_before_an_option_goes_on_with_its_default_only(tmp_path: Path) -> None:
    later = key(method={"_target_": "methods.RandomSearch", "name": "random", "new": 1})
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key=key()))
        folder.check_key(later, ["method.new"])
        with pytest.raises(KeyMismatchError, match=r"method\.new was None, is 1"):
            folder.check_key(later)
        with pytest.raises(KeyMismatchError, match=r"method\.version was .*, is 99"):
            folder.check_key(later | {"method.version": 99}, ["method.new"])


OWN = {"_target_": "tasks.Synthetic", "name": "t"}


@pytest.mark.parametrize("name", ["baseline", "baseline_default"])
def test_an_untuned_config_of_our_tasks_is_no_part_of_the_key(name: str, tmp_path: Path) -> None:
    """Results are compared with it. Runs from before have it in their key, and go on."""
    assert key(task=OWN | {name: {"x": 1.0}}) == key(task=OWN)
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key=key(task=OWN) | {f"task.{name}.x": 0.3}))
        folder.check_key(key(task=OWN | {name: {"x": 1.0}}))


def test_an_option_of_this_name_of_another_persons_task_is_part_of_the_key(
    tmp_path: Path,
) -> None:
    first, second = (key(task=TASK | {"baseline": {"x": x}}) for x in (0.1, 0.2))
    assert first != second
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key=first))
        with pytest.raises(KeyMismatchError, match=r"task\.baseline\.x was 0\.1, is 0\.2"):
            folder.check_key(second)


def test_a_folder_with_another_key_is_refused_with_the_difference(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key=key()))
        folder.check_key(key())
        with pytest.raises(KeyMismatchError, match=r"seed was 0, is 1.*resume=false"):
            folder.check_key(key(seed=1))


def test_a_trace_without_a_key_is_refused(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.check_key(key())  # an empty folder is fine
        folder.trace.path.write_text("")
        with pytest.raises(KeyMismatchError, match="no key"):
            folder.check_key(key())


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    with RunFolder(tmp_path), pytest.raises(LockedError, match="in use"), RunFolder(tmp_path):
        pass
    with RunFolder(tmp_path):
        pass  # free again


def test_clear_throws_everything_away_but_the_lock(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key={"a": 1}))
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "file").touch()
        folder.clear()
    assert [entry.name for entry in tmp_path.iterdir()] == [".lock"]


def test_metadata_is_written_in_one_piece_and_read_back(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "deep") as folder:
        assert folder.meta() is None
        folder.write_meta(run_meta(seed=1))
        folder.write_meta(run_meta(seed=2, machine={"cpu": "a"}))
        assert folder.meta() == run_meta(seed=2, machine={"cpu": "a"})
    assert {p.name for p in folder.path.iterdir()} == {"meta.json", ".lock"}


@pytest.mark.parametrize("content", ["[]", "{", '{"task": "t"}', '{"task": 1}', ""])
def test_a_file_that_is_no_metadata_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(content)
    problem = r"meta\.json: not the metadata of a run: "
    with RunFolder(tmp_path) as folder, pytest.raises(DamagedError, match=problem):
        folder.meta()


def test_the_budget_is_no_part_of_the_key_or_the_name(tmp_path: Path) -> None:
    assert key() == key(budget={"trials": 4})
    assert key() != key(workers={"n": 2})
    here = {"results": str(tmp_path)}
    new = path_of(settings(**here), ["budget.trials=9"])
    assert new.parent.name == "random"
    old = new.parents[1] / "random,budget.trials=9" / "seed-0"
    old.mkdir(parents=True)
    assert path_of(settings(**here), ["budget.trials=9"]) == old
    new.mkdir(parents=True)
    assert path_of(settings(**here), ["budget.trials=9"]) == new


def test_a_method_that_uses_the_budget_keeps_it_in_its_key() -> None:
    class Planner(RandomSearch):
        uses_budget = True

    task = Tiny()
    method = Planner(task.space, task.fidelities)
    keys = [key_of(settings(budget={"trials": n}), method, task) for n in (3, 4)]
    assert keys[0] != keys[1]
    assert keys[0]["budget.trials"] == 3


def test_a_run_of_version_0_1_had_its_budget_in_the_key(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.write_meta(run_meta(key=key() | {"budget.trials": 40}))
        folder.check_key(key())
