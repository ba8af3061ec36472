from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.ranks import draw_ranks
from support.made_up import regrets

TABLE = regrets({
    ("t", "ei"): [(0.6, 0.1), (0.6, 0.1), (0.6, 0.5)],
    ("t", "random"): [(0.6, 0.3), (0.6, 0.3), (0.6, 0.3)],
})  # fmt: skip


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_curves_and_bands_are_the_data() -> None:
    drawn = draw_ranks(TABLE, (0.25, 0.5, 1.0))
    ax = drawn.figure.axes[0]
    for line, method in zip(ax.lines, ("ei", "random"), strict=True):
        own = drawn.data[drawn.data.method == method]
        # the last value is drawn on beyond the budget
        assert list(line.get_ydata()) == [*own["rank"], own["rank"].iloc[-1]]
        assert list(line.get_xdata())[:-1] == [0.25, 0.5, 1.0]
    assert ax.lines[0].get_ydata()[:-1] == pytest.approx([1.5, 4 / 3, 4 / 3])
    assert len(ax.collections) == 2
    assert ax.yaxis_inverted()
    assert {text.get_text() for text in ax.texts} == {"ei", "random"}


def test_the_caption_says_what_it_rests_on() -> None:
    caption = draw_ranks(TABLE, clock="cost + overhead").caption
    for words in (
        "1 task ",
        "3 pairs",
        "3 seeds",
        "compared by evaluation cost + overhead.",
        "recommended",
    ):
        assert words in caption
    assert "the limit on trials ended (ei, random) keep" in caption
    assert "budgets differ" not in caption
    unlike = TABLE.assign(budget=np.where(TABLE.method == "ei", 40.0, 20.0))
    assert "On t, budgets differ between runs;" in draw_ranks(unlike).caption


def test_one_run_has_a_curve_without_a_band() -> None:
    drawn = draw_ranks(regrets({("t", "x"): [(0.5,)]}))
    ax = drawn.figure.axes[0]
    assert len(ax.lines) == 1
    assert not ax.collections
    drawn.figure.canvas.draw()


def test_no_common_task_says_so() -> None:
    drawn = draw_ranks(regrets({("t", "x"): [(0.5,)], ("u", "y"): [(0.5,)]}))
    assert drawn.caption == "No ranks: there is no task and seed that all methods have run."
    assert "no task" in drawn.figure.axes[0].texts[0].get_text()
    drawn.figure.canvas.draw()


def test_names_at_the_end_stand_apart_and_within() -> None:
    many = regrets({("t", name): [(0.5,)] for name in "abcdefgh"})
    ax = draw_ranks(many).figure.axes[0]
    places = sorted(text.xy[1] for text in ax.texts)
    assert min(np.diff(places)) > 0.3
    assert places[-1] <= 8.15


def test_no_runs_at_all() -> None:
    assert draw_ranks(pd.DataFrame()).data.empty
