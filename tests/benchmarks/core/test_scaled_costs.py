from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.core.scaled_costs import ScaledCosts
from support.cli import call
from support.tiny import Tiny
from tasks import RecordedCurves, Synthetic


def test_costs_are_scaled_and_nothing_else() -> None:
    plain = Synthetic("branin")
    scaled = ScaledCosts(Synthetic("branin"), 4.2)
    rng = np.random.default_rng(0)
    assert plain.good_cost
    assert plain.target_cost
    factor = 4.2 * 3600 / plain.good_cost
    for fidelity in (0.1, 1.0):
        config = plain.space.sample(rng)
        a, b = (
            task.evaluate(config, fidelity, np.random.default_rng(1)) for task in (plain, scaled)
        )
        assert (b.loss, b.cost) == (a.loss, pytest.approx(a.cost * factor))
        assert scaled.truth(config).loss == plain.truth(config).loss
        assert scaled.truth(config).cost == pytest.approx(plain.truth(config).cost * factor)
    assert scaled.good_cost == 4.2 * 3600
    assert scaled.caption == "costs scaled to 4.2 h for a training of a good config"
    assert scaled.target_cost == pytest.approx(plain.target_cost * factor)


def test_a_continued_training_is_scaled_with_its_restart() -> None:
    plain = RecordedCurves("cars_head", resume_training=True)
    scaled = ScaledCosts(RecordedCurves("cars_head", resume_training=True), 1 / 60)
    config = plain.space.sample(np.random.default_rng(0))
    a, b = (t.resume(config, 1 / 35, 1.0, np.random.default_rng(1)) for t in (plain, scaled))
    assert plain.good_cost
    factor = 60 / plain.good_cost
    assert b.cost == pytest.approx(a.cost * factor)
    assert b.info["restart_cost"] == pytest.approx(a.info["restart_cost"] * factor)
    assert b.curve == a.curve
    assert len(b.curve) == 33
    assert scaled.caption.startswith(f"{plain.caption}; costs scaled to ")


def test_the_cost_of_an_untuned_config_is_scaled() -> None:
    task = Tiny()
    task.good_cost = 2.0
    task.baselines = {
        "default": {"config": {"x": 0.5, "y": 0.5}, "cost": 3.0, "loss": 0.1},
        "talk": {"config": {"x": 0.1, "y": 0.5}},
    }
    scaled = ScaledCosts(task, 1.0)
    assert scaled.baselines["default"] == {**task.baselines["default"], "cost": 5400.0}
    assert scaled.baselines["talk"] == task.baselines["talk"]


@pytest.mark.parametrize("hours", [0, -1, math.inf, math.nan, "long", True])
def test_hours_must_be_positive(hours: object) -> None:
    with pytest.raises(ValueError, match=r"task.hours_per_training=.*must be a positive number"):
        ScaledCosts(Synthetic("branin"), hours)  # type: ignore[arg-type]


def test_a_task_that_trains_or_does_not_know_its_costs_is_refused() -> None:
    task = Tiny()
    with pytest.raises(ValueError, match="does not know its good_cost"):
        ScaledCosts(task, 1.0)
    task.reproducible = False
    with pytest.raises(ValueError, match="the task trains for real"):
        ScaledCosts(task, 1.0)


def test_a_run_of_hours_has_the_losses_of_a_run_of_seconds(tmp_path: Path) -> None:
    rows, keys = [], []
    for number, hours in enumerate(([], ["task.hours_per_training=4.2"])):
        done = call(
            tmp_path, "method=random", "task=svm_mnist", "budget.trainings=30", "plot=false",
            f"study=s{number}", *hours,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (folder,) = (tmp_path / f"results/runs/s{number}").glob("*/*/seed-0")
        rows.append([json.loads(x) for x in (folder / "trace.jsonl").read_text().splitlines()])
        keys.append(json.loads((folder / "meta.json").read_text())["key"])
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]
    ratios = {round(b["cost"] / a["cost"], 6) for a, b in zip(*rows, strict=True)}
    assert len(ratios) == 1
    assert "task.hours_per_training" not in keys[0]
    assert keys[1]["task.hours_per_training"] == 4.2
