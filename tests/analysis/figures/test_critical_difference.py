from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.critical_difference import draw_critical_difference
from analysis.statistics.ranks import critical_difference
from support.made_up import regrets


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def agreeing(tasks: int, methods: str = "abcd") -> dict[tuple[str, str], list[list[float]]]:
    return {
        (f"t{task}", method): [[0.1 * (place + 1)]]
        for task in range(tasks)
        for place, method in enumerate(methods)
    }


def words_of(figure: Figure) -> str:
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


def test_enough_agreeing_tasks_have_no_doubts() -> None:
    drawn = draw_critical_difference(regrets(agreeing(12)))
    assert drawn.data.method.to_list() == list("abcd")
    assert drawn.data["rank"].to_list() == [1, 2, 3, 4]
    gap = critical_difference(4, 12)
    assert drawn.data.critical_difference.iloc[0] == gap
    assert 1 < gap < 2
    assert drawn.data.group.to_list() == ["a", "ab", "bc", "c"]
    said = words_of(drawn.figure)
    assert "critical difference 1.35 ranks" in said
    assert "too few" not in said
    assert "mean nothing" not in said
    assert "F = inf" in drawn.caption


def test_bars_join_what_cannot_be_told_apart() -> None:
    ax = draw_critical_difference(regrets(agreeing(12))).figure.axes[0]
    bars = [list(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 4]
    assert np.array(bars) == pytest.approx(np.array([[1, 2], [2, 3], [3, 4]]), abs=0.05)


@pytest.mark.parametrize("tasks", [1, 4])
def test_too_few_tasks_are_named_in_the_figure(tasks: int) -> None:
    drawn = draw_critical_difference(regrets(agreeing(tasks)))
    said = words_of(drawn.figure)
    assert f"Only {tasks} task" in said
    assert "too few" in said
    assert "too few" in drawn.caption
    assert "nan" not in drawn.caption
    assert ("cannot be computed" in said) == (tasks == 1)


def test_no_difference_is_named_in_the_figure() -> None:
    runs = {
        (f"t{t}", m): [[0.1 if t % 2 == p else 0.2]] for t in range(6) for p, m in enumerate("ab")
    }
    drawn = draw_critical_difference(regrets(runs))
    said = words_of(drawn.figure)
    assert "finds no difference (p = 1), so the bars mean nothing" in said
    assert "too few" not in said


@pytest.mark.parametrize("runs", [agreeing(3, "a"), {("t", "a"): [[1.0]], ("u", "b"): [[1.0]]}])
def test_nothing_to_compare(runs: dict[tuple[str, str], list[list[float]]]) -> None:
    drawn = draw_critical_difference(regrets(runs))
    assert "Nothing to compare: there are " in words_of(drawn.figure)
    assert drawn.data.empty


def test_no_runs_at_all() -> None:
    assert draw_critical_difference(pd.DataFrame()).data.empty
