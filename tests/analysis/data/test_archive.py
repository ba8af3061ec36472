from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.data.archive import RUNS, TRIALS, read_archive, write_archive
from analysis.data.load import load_runs
from analysis.data.run_metadata import metadata_of
from analysis.data.tidy import tidy
from support.studies import metadata, write_full_run, write_study


def test_what_is_read_back_is_what_was_written_exactly(tmp_path: Path) -> None:
    write_study(tmp_path / "runs")
    runs = load_runs(tmp_path / "runs")
    table, written = tidy(runs), [metadata_of(run) for run in runs]
    write_archive(table, written, tmp_path / "a")
    again, read = read_archive(tmp_path / "a")
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert read == sorted(written, key=lambda f: (f.task, f.method, f.seed))
    assert read[0].cost == 12 / 2 * 1.25 * 5
    assert read[0].overhead == pytest.approx(12 * (0.1 / 3 + 0.01))


def test_numbers_that_are_hard_to_write_and_choices_of_any_kind(tmp_path: Path) -> None:
    hard = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, np.inf, np.nan, -0.0]
    table = pd.DataFrame({
        "task": ["null", "nan", "t", "t", "t", "t"],
        "stopped_by": ["trials", None, "cost", None, "cost", "cost"],
        "loss": hard,
        "config.kind": pd.Series(["a", "1", "nan", "", "true", "x,\n"], dtype="str"),
        "config.mixed": pd.Series([1, "1", True, np.nan, 0.1 + 0.2, "adam"], dtype=object),
        "config.switch": [True, False, True, True, False, True],
    })  # fmt: skip
    write_archive(table, [metadata()], tmp_path)
    again, _ = read_archive(tmp_path)
    assert again.task.tolist() == table.task.tolist()
    assert again.stopped_by.isna().tolist() == table.stopped_by.isna().tolist()
    columns = ["loss", "config.kind", "config.mixed", "config.switch"]
    pd.testing.assert_frame_equal(again[columns], table[columns], check_exact=True)
    assert [type(x) for x in again["config.mixed"][:3]] == [int, str, bool]


def test_the_same_runs_are_the_same_bytes_and_blocks_are_stored_once(tmp_path: Path) -> None:
    written = [metadata(seed=seed, machine={"cpu": "one"}) for seed in range(5)]
    table = pd.DataFrame({"task": ["t"], "loss": [0.5]})
    for name in ("a", "b"):
        write_archive(table, written if name == "a" else written[::-1], tmp_path / name)
    for name in (TRIALS, RUNS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    stored = json.loads((tmp_path / "a" / RUNS).read_text())
    assert stored["blocks"]["machine"] == [{"cpu": "one"}]
    assert [run["machine"] for run in stored["runs"]] == [0] * 5


def test_a_folder_without_an_archive_or_with_a_foreign_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no archive in"):
        read_archive(tmp_path)
    (tmp_path / TRIALS).write_bytes(b"not gzip")
    for text in ("[1]", '{"format": 99}', "{", '{"format": 1, "blocks": {}}'):
        (tmp_path / RUNS).write_text(text)
        with pytest.raises(ValueError, match="does not hold a valid archive"):
            read_archive(tmp_path)
    write_archive(pd.DataFrame({"task": ["t"]}), [metadata()], tmp_path)
    (tmp_path / TRIALS).write_bytes((tmp_path / TRIALS).read_bytes()[:-9])
    with pytest.raises(ValueError, match="does not hold a valid archive"):
        read_archive(tmp_path)


def test_untuned_configs_of_the_task_are_kept_and_stored_once(tmp_path: Path) -> None:
    known = {"baselines": {"default": {"config": {"x": 1.0}, "loss": 0.4}}, "good_cost": 2.0}
    facts = {"best_loss": 0.1, "target_cost": 3.0, "loss_floor": 0.0, "caption": None, **known}
    for seed in range(3):
        write_full_run(tmp_path / f"runs/one/random/seed-{seed}", task_facts=facts)
    runs = load_runs(tmp_path / "runs")
    write_archive(tidy(runs), [metadata_of(run) for run in runs], tmp_path / "a")
    stored = json.loads((tmp_path / "a" / RUNS).read_text())
    assert stored["blocks"]["task_facts"] == [known]
    assert [run.task_facts for run in read_archive(tmp_path / "a")[1]] == [known] * 3


def test_an_archive_of_version_0_1_has_no_untuned_configs(tmp_path: Path) -> None:
    write_archive(pd.DataFrame({"task": ["t"]}), [metadata()], tmp_path)
    stored = json.loads((tmp_path / RUNS).read_text())
    del stored["blocks"]["task_facts"]
    for run in stored["runs"]:
        del run["task_facts"]
    (tmp_path / RUNS).write_text(json.dumps(stored))
    (run,) = read_archive(tmp_path)[1]
    assert run.task_facts == {}


def test_runs_with_an_untuned_config_in_their_key_are_the_same_version() -> None:
    key = {"task.name": "t", "method.version": 1}
    older = key | {"task.baseline.x": 1.0, "task.baseline_default": None}
    assert metadata(version=older).version == metadata(version=key).version == key
    foreign = older | {"task._target_": "somebody.Task"}
    assert metadata(version=foreign).version == foreign
