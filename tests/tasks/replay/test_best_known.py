from __future__ import annotations

import math
from typing import Any

import numpy as np

from tasks.replay.best_known import best_known, lowest_recorded


def columns(rows: list[tuple[float, float, bool]]) -> dict[str, Any]:
    """Rows of config, loss at the target and whether the config is held out."""
    config, loss, held_out = (np.array(values) for values in zip(*rows, strict=True))
    return {
        "config": config[:, None],
        "loss": np.column_stack([np.ones(len(rows)), loss]),
        "held_out": held_out,
    }


def test_the_lowest_recorded_loss_is_a_mean_over_seeds_of_a_config_that_is_not_held_out() -> None:
    rows = [(0.1, 0.2, False), (0.1, 0.6, False), (0.2, 0.5, False), (0.3, 0.1, True)]
    assert lowest_recorded(columns(rows)) == 0.4


def test_a_config_of_which_a_training_diverged_has_no_mean() -> None:
    rows = [(0.1, 0.2, False), (0.1, math.nan, False), (0.2, 0.5, False)]
    assert lowest_recorded(columns(rows)) == 0.5
    assert lowest_recorded(columns(rows[:2])) == math.inf


def test_the_best_known_loss_is_the_lowest_and_says_where_it_is_from() -> None:
    table = columns([(0.1, 0.4, False)])
    assert best_known(table, 0.3) == (0.3, "search")
    assert best_known(table, 0.5) == (0.4, "recorded")
    assert best_known(table, 0.5, [0.45, 0.35]) == (0.35, "study")
    assert best_known(table, 0.4, [0.4]) == (0.4, "search")
