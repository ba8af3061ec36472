from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from analysis.figures.cost_to_target import draw_cost_to_target
from support.made_up import regrets

TABLE = regrets({
    ("t", "ei"): [(0.5, 0.05), (0.05,), (0.5, 0.05)],
    ("t", "random"): [(0.5, 0.5, 0.05), (0.5, 0.5, 0.5, 0.5), (0.5,) * 4],
})  # fmt: skip


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_the_data_are_full_trainings_and_bounds() -> None:
    data = draw_cost_to_target(TABLE, "t", (0.1,)).data.set_index("method")
    assert data.loc["ei", "cost"] == pytest.approx(50 / 3 / 20)
    assert data.loc["ei", "low"] < data.loc["ei", "cost"] < data.loc["ei", "high"]
    assert data.loc["random", "bound"]
    assert data.loc["random", "cost"] == pytest.approx(110 / 3 / 20)
    assert np.isnan(data.loc["random", "low"])
    assert set(data.unit) == {"full trainings"}


def test_what_is_drawn_is_the_data() -> None:
    drawn = draw_cost_to_target(TABLE, "t", (0.1,))
    ax = drawn.figure.axes[0]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in dots] == drawn.data.cost.to_list()
    assert [line.get_markerfacecolor() == "white" for line in dots] == [False, True]
    assert {"3/3", "1/3"} <= {text.get_text() for text in ax.texts}
    assert drawn.figure.get_supxlabel() == "average evaluation cost to the target (full trainings)"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ei", "random"]


def test_one_panel_a_target_and_the_rest_is_named() -> None:
    drawn = draw_cost_to_target(TABLE, "t", (0.1, 0.3, 0.005))
    assert [ax.get_title() for ax in drawn.figure.axes] == ["regret ≤ 0.3", "regret ≤ 0.1"]
    assert "or the replay's error: 0.005" in drawn.caption
    assert "3 seeds" in drawn.caption
    assert "the limit on trials ended (ei, random)" in drawn.caption
    assert "compared by evaluation cost." in drawn.caption


def test_an_interval_without_end_goes_to_the_edge() -> None:
    table = regrets({("t", "x"): [(0.05,), (0.5, 0.5)]})
    drawn = draw_cost_to_target(table, "t", (0.1,))
    assert np.isinf(drawn.data.high.iloc[0])
    ax = drawn.figure.axes[0]
    ends = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == ">"]
    assert ends == [ax.get_xlim()[1]]


def test_no_target_one_run_or_no_unit() -> None:
    drawn = draw_cost_to_target(TABLE, "t", (0.0001,))
    assert drawn.data.empty
    assert "no target to show" in {text.get_text() for text in drawn.figure.axes[0].texts}
    single = regrets({("t", "x"): [(0.05,)]}).assign(target_cost=np.nan)
    drawn = draw_cost_to_target(single, "t", (0.1,), clock="cost + overhead")
    assert drawn.data.cost.to_list() == [11]
    assert (
        drawn.figure.get_supxlabel() == "average evaluation cost + overhead to the target (seconds)"
    )
    drawn.figure.canvas.draw()
