from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from analysis.figures.landscape import draw_landscape

MAPS = pd.DataFrame(
    [
        (x, y, s, 0.1 + 0.1 * x, 10.0 ** (1 + y))
        for s, y, x in itertools.product((0.125, 1.0), (0.0, 1.0, 2.0), (0.0, 1.0, 2.0))
    ],
    columns=["a", "b", "fidelity", "loss", "cost"],
)
TABLE = pd.DataFrame({
    "task": "t",
    "method": ["m", "m", "m", "other"],
    "seed": [3, 3, 4, 0],
    "config.a": [0.5, 1.5, 0.1, 0.2],
    "config.b": [0.5, 1.0, 0.1, 0.2],
    "fidelity": [0.2, 0.9, 1.0, 1.0],
})  # fmt: skip


def test_every_trial_stands_at_the_nearest_fidelity() -> None:
    drawn = draw_landscape(MAPS, TABLE, "t", "m")
    low, full = (ax.lines[0] for ax in drawn.figure.axes[:2])
    assert (list(low.get_xdata()), list(low.get_ydata())) == ([0.5], [0.5])
    assert (list(full.get_xdata()), list(full.get_ydata())) == ([1.5], [1.0])
    assert "the 2 trials of m with seed 3" in drawn.caption
    assert (drawn.data.kind == "trial").sum() == 2
    plt.close(drawn.figure)


def test_a_method_without_a_run_is_refused() -> None:
    with pytest.raises(ValueError, match="fabolas has no run on t"):
        draw_landscape(MAPS, TABLE, "t", "fabolas")
