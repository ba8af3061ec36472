from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.wins import draw_wins
from support.made_up import regrets

TABLE = regrets({
    ("t", "random"): [(0.3,), (0.3,), (0.3,)],
    ("t", "ei"): [(0.1,), (0.3,), (0.5,), (0.1,)],
    ("t", "mtbo"): [(0.01,), (0.01,)],
})  # fmt: skip


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_cells_are_the_data_best_first() -> None:
    drawn = draw_wins(TABLE)
    ax = drawn.figure.axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["mtbo", "ei", "random"]
    shares = np.ma.filled(ax.images[0].get_array(), np.nan)
    for row in drawn.data.itertuples():
        assert shares[names.index(row.method), names.index(row.rival)] == row.wins
    assert np.isnan(np.diag(shares)).all()
    assert shares[1, 2] == 0.5
    assert shares[0].tolist()[1:] == [1, 1]


def test_cells_say_how_many_pairs() -> None:
    drawn = draw_wins(TABLE)
    texts = {text.get_text() for text in drawn.figure.axes[0].texts}
    assert texts == {"100%\nof 2", "0%\nof 2", "50%\nof 3"}
    assert "2 to 4 seeds" in drawn.caption
    assert "100% of the budget" in drawn.caption
    assert "the limit on trials ended (mtbo, ei, random)" in drawn.caption
    drawn.figure.canvas.draw()


def test_one_method_has_nobody_to_beat() -> None:
    drawn = draw_wins(regrets({("t", "x"): [(0.1,)]}))
    assert drawn.data.empty
    assert "no two methods" in drawn.figure.axes[0].texts[0].get_text()
    drawn.figure.canvas.draw()


def test_no_runs_at_all() -> None:
    assert draw_wins(pd.DataFrame()).data.empty
