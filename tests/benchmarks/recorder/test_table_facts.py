from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recorder import raw_rows, untuned
from benchmarks.recorder.random_configs import draw_evaluations, drawn
from benchmarks.recorder.table_facts import write_facts
from support.curves import BROKEN, SPACE
from tasks.replay import table
from tasks.replay.curve_surrogate import FAMILIES
from tasks.replay.curves import CURVES, RecordedCurves
from tasks.replay.evaluations import RecordedTask

VEHICLE = {"default": {"log_c": 0.0, "log_gamma": 0.003}}


@pytest.fixture
def vehicle(tmp_path: Path) -> Path:
    """A copy of a shipped table of evaluations."""
    return Path(shutil.copy(table.path_of("svm_vehicle"), tmp_path / "svm_vehicle.npz"))


@pytest.fixture(scope="module")
def described(curve_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of curves whose facts name a recorded config, one that diverged, and another."""
    path = tmp_path_factory.mktemp("facts") / "made_up.npz"
    shutil.copy(curve_table, path)
    rows = curve_table.with_suffix(".jsonl")
    first = raw_rows.read(rows)[0].record["config"]
    baselines = {"talk": first, "default": {**BROKEN, "rate": 0.01}, "broken": BROKEN}
    write_facts(path, rows, baselines, {"talk": "a talk"}, draws=300)
    return path


def test_facts_leave_hash_and_columns_as_they_are(vehicle: Path) -> None:
    before = table.read(vehicle)
    write_facts(vehicle, table.FOLDER / "rows" / "svm_vehicle.jsonl", VEHICLE, {}, draws=50)
    after = table.read(vehicle)
    assert after.sha256 == before.sha256
    for name, column in before.columns.items():
        np.testing.assert_array_equal(after.columns[name], column)
    assert after.meta["facts"]["draws"] == 50


def test_a_replay_of_evaluations_says_what_its_table_says(vehicle: Path) -> None:
    sources = {"default": "SVC"}
    rows = table.FOLDER / "rows" / "svm_vehicle.jsonl"
    write_facts(vehicle, rows, VEHICLE, sources, draws=200)
    task = RecordedTask(str(vehicle))
    draws = draw_evaluations(task, 200)
    assert task.good_cost == draws.cost_good()
    found = task.baselines["default"]
    assert found["config"] == VEHICLE["default"]
    assert found["source"] == "SVC"
    assert found["losses"] == []  # not recorded: the replay's
    truth = task.truth(VEHICLE["default"])
    assert (found["loss"], found["test_loss"]) == (truth.loss, truth.test_loss)
    better = [task.truth(c).loss < truth.loss for c in drawn(task.space, 200)]
    assert found["beaten_by"] == pytest.approx(np.mean(better), abs=1e-4)


def test_another_untuned_config_in_the_options_takes_the_place_of_the_tables(
    vehicle: Path,
) -> None:
    rows = table.FOLDER / "rows" / "svm_vehicle.jsonl"
    write_facts(vehicle, rows, VEHICLE, {}, draws=50)
    same = RecordedTask(str(vehicle), None, VEHICLE["default"]).baselines["default"]
    assert "beaten_by" in same
    config = {"log_c": 1.0, "log_gamma": 0.0}
    other = RecordedTask(str(vehicle), None, config)
    assert other.baselines["default"] == {
        "config": config,
        "loss": other.truth(config).loss,
        "test_loss": other.truth(config).test_loss,
    }
    with pytest.raises(ValueError, match="log_c"):
        RecordedTask(str(vehicle), None, {"log_c": 99.0, "log_gamma": 0.0})


def test_a_recorded_untuned_config_has_its_recorded_losses(
    described: Path, curve_table: Path
) -> None:
    rows = raw_rows.read(curve_table.with_suffix(".jsonl"))
    config = rows[0].record["config"]
    losses = [row.record["loss"] for row in rows if row.record["config"] == config]
    for family in FAMILIES:
        task = RecordedCurves(str(described), family)
        found = task.baselines["talk"]
        assert found["losses"] == losses
        assert found["loss"] == pytest.approx(np.mean(losses))
        assert found["source"] == "a talk"
        assert found["cost"] > 0


def test_a_training_that_diverged_keeps_its_cost_and_has_no_loss(described: Path) -> None:
    found = RecordedCurves(str(described)).baselines["broken"]
    assert found["losses"] == [None]
    assert found["loss"] is None
    assert "beaten_by" not in found
    # three epochs, and half a second until it diverged
    assert found["cost"] == pytest.approx(3 * 64 / BROKEN["batch"] + 0.5, rel=1e-3)
    task = RecordedCurves(str(described))
    assert task.replay(BROKEN, 1.0, 0).status == "diverged"
    assert task.replay(BROKEN, 1.0, 0).cost == pytest.approx(found["cost"], rel=1e-3)


def test_each_surrogate_has_its_own_good_cost_and_ranks(described: Path) -> None:
    facts = table.read(described, CURVES).meta["facts"]
    assert set(facts["good_cost"]) == set(facts["baselines"]) == set(FAMILIES)
    for family in FAMILIES:
        task = RecordedCurves(str(described), family)
        assert task.good_cost == facts["good_cost"][family]
        assert 0 <= task.baselines["default"]["beaten_by"] <= 1
    assert SPACE.numbers(task.baselines["default"]["config"])


def line(**changes: Any) -> str:
    facts: Any = {
        "config": {"x": 0.5}, "loss": 0.2, "test_loss": None, "losses": [0.1, 0.3], "cost": 2.0,
        "beaten_by": 0.25,
    } | changes  # fmt: skip
    (text,) = untuned.lines({"default": facts}, "error")
    return text


def test_a_card_flags_an_untuned_config_that_many_random_ones_beat() -> None:
    assert line() == (
        "- untuned config `baseline_default`: x=0.5: validation error 0.1000, 0.3000 "
        "(2 trainings recorded), 2 s; 25.0% of random configs are better"
    )
    assert "never the only baseline of a claim" not in line(beaten_by=0.4)
    assert line(beaten_by=0.41).endswith("better: never the only baseline of a claim")
    assert "not recorded; validation error of the replay 0.2000" in line(losses=[])
    assert "(a tutorial): x=0.5" in line(source="a tutorial")
