from __future__ import annotations

import pandas as pd
import pytest

from analysis.figures.figure import Figure
from analysis.figures.speedup import draw_speedup


def table(ends: dict[tuple[str, int, int], list[float]]) -> pd.DataFrame:
    """Runs by method, workers and seed: when their trials end."""
    rows = [
        {"task": "t", "method": f"{method},workers.n={n}" if n > 1 else method, "seed": seed,
         "workers": n, "trial": trial, "end": end}
        for (method, n, seed), run in ends.items()
        for trial, end in enumerate(run)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def drawn() -> Figure:
    return draw_speedup(
        table({
            ("random", 1, 0): [10.0, 20.0, 30.0],
            ("random", 2, 0): [10.0, 10.0, 15.0],
            ("random", 1, 1): [20.0, 40.0, 60.0],
            ("random", 2, 1): [20.0, 20.0, 60.0],
            ("random", 4, 1): [20.0, 20.0],  # fewer trials: no partner
            ("ei", 2, 0): [1.0, 1.0, 2.0],  # never alone
        })
    )  # fmt: skip


def test_seeds_are_paired_and_runs_without_a_partner_left_out() -> None:
    data = drawn().data.set_index(["method", "workers"])
    assert data.index.to_list() == [("random", 1), ("random", 2)]
    assert data.loc[("random", 1), ["median", "lower", "upper"]].to_list() == [1, 1, 1]
    assert data.loc[("random", 2), ["median", "lower", "upper", "runs"]].to_list() == [
        1.5, 1.25, 1.75, 2,
    ]  # fmt: skip


def test_the_line_is_the_data() -> None:
    made = drawn()
    (ax,) = made.figure.axes
    _, line = ax.lines
    assert line.get_xydata().tolist() == [[1, 1], [2, 1.5]]
    assert ax.get_ylabel() == "speed-up (times)"


def test_without_runs_of_one_worker_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(ValueError, match="no run with one worker"):
        draw_speedup(table({("random", 2, 0): [1.0], ("random", 4, 0): [1.0]}))
