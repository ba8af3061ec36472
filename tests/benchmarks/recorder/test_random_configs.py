from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder.random_configs import Draws, draw_curves, draw_evaluations, drawn
from support.curves import SPACE
from tasks.replay import table
from tasks.replay.curve_surrogate import CurveSurrogate
from tasks.replay.curves import CURVES, RecordedCurves
from tasks.replay.evaluations import RecordedTask


def test_cost_of_the_best_tenth_and_share_of_better_configs() -> None:
    draws = Draws(np.linspace(0.01, 1, 100), np.linspace(1, 100, 100))
    assert draws.cost_good() == 5.5  # the median of 1 ... 10
    assert draws.beaten_by(0.255) == 0.25
    assert draws.beaten_by(0.01) == 0
    assert draws.beaten_by(2.0) == 1


def test_draws_of_evaluations_are_what_the_replay_returns() -> None:
    task = RecordedTask("svm_vehicle")
    draws, configs = draw_evaluations(task, 40), drawn(task.space, 40)
    assert draws.losses.tolist() == [task.truth(config).loss for config in configs]
    seeds = task.subset_seeds(1.0)
    first = [task.replay(configs[0], 1.0, seed).cost for seed in seeds]
    assert draws.costs[0] == pytest.approx(np.mean(first))


def test_draws_of_curves_are_the_truths_of_the_replay(curve_table: Path) -> None:
    loaded, task = table.read(curve_table, CURVES), RecordedCurves(str(curve_table), "boosting")
    surrogate = CurveSurrogate(SPACE, loaded.meta, loaded.columns, "boosting")
    draws = draw_curves(surrogate, SPACE, 100)
    # the first draws are the recorded configs, whose truth is what was measured
    truths = [task.truth(config).loss for config in drawn(SPACE, 100)[80:]]
    assert draws.losses[80:].tolist() == pytest.approx(truths)
    assert (draws.costs > 0).all()
