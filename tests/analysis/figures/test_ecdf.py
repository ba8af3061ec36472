from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.ecdf import draw_ecdf
from support.made_up import regrets

TABLE = regrets({
    ("t", "ei"): [(0.6, 0.06), (0.6, 0.006)],
    ("t", "random"): [(0.6, 0.6, 0.6), (0.6, 0.6)],
    ("u", "ei"): [(np.inf, np.inf)],
    ("u", "random"): [(0.6, 0.06)],
})  # fmt: skip


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_steps_are_shares_of_pairs_against_full_trainings() -> None:
    data = draw_ecdf(TABLE, count=3).data  # targets 0.6, 0.06, 0.006
    ei = data[(data.task == "t") & (data.method == "ei")]
    assert ei.cost.to_list() == [0.5, 1, 1]
    assert ei.share.to_list() == pytest.approx([2 / 6, 5 / 6, 5 / 6])
    never = data[(data.task == "u") & (data.method == "ei")]
    assert never[["cost", "share"]].to_numpy().tolist() == [[1, 0]]


def test_one_panel_a_task_and_a_cross_where_a_method_ended() -> None:
    drawn = draw_ecdf(TABLE, count=3)
    panels = [ax for ax in drawn.figure.axes if ax.get_visible()]
    assert [ax.get_title().partition("\n")[0] for ax in panels] == ["t", "u"]
    assert "3 targets, 0.6 to 0.006" in panels[0].get_title()
    crosses = [line for line in panels[0].lines if line.get_marker() == "x"]
    assert [float(line.get_xdata()[0]) for line in crosses] == [1, 1.5]
    assert panels[0].get_xlabel() == "evaluation cost (full trainings)"
    legend = drawn.figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["ei", "random"]
    assert "1 to 2 seeds" in drawn.caption


def test_tasks_without_truth_are_left_out() -> None:
    unknown = TABLE.assign(regret_recommended=TABLE.regret_recommended.where(TABLE.task == "t"))
    assert set(draw_ecdf(unknown, count=3).data.task) == {"t"}
    with pytest.raises(ValueError, match="best loss"):
        draw_ecdf(unknown, ["u"])


def test_many_tasks_leave_no_empty_panel_visible() -> None:
    parts = [TABLE[TABLE.task == "t"].assign(task=name) for name in "abcd"]
    drawn = draw_ecdf(pd.concat(parts), count=3)
    assert sum(ax.get_visible() for ax in drawn.figure.axes) == 4
    drawn.figure.canvas.draw()


def test_no_incumbent_at_all() -> None:
    drawn = draw_ecdf(regrets({("t", "x"): [(np.inf,)]}))
    assert drawn.data.empty
    drawn.figure.canvas.draw()
