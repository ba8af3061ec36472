"""When an axis is logarithmic, and what is written at it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from analysis.figures.scales import plain_log, scale_for, scale_of


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 101.0], "log"),
        ([1.0, 99.0], "linear"),
        ([0.0, 1e6], "linear"),
        ([-1.0, 1e6], "linear"),
        ([1e-3, np.inf, np.nan], "linear"),
        ([np.nan], "linear"),
        ([], "linear"),
    ],
)
def test_an_axis_of_more_than_two_decades_is_logarithmic(values: list[float], scale: str) -> None:
    assert scale_of(np.array(values)) == scale


@pytest.mark.parametrize(
    ("said", "values", "scale"),
    [
        ("x,y", [1.0, 2.0], "log"),
        ("y", [1e-6, 1.0], "linear"),
        ("none", [1e-6, 1.0], "linear"),
        ("x", [0.0, 1.0], "linear"),  # cannot be drawn
        ("unknown", [1e-6, 1.0], "log"),
    ],
)
def test_the_space_says_which_scale_a_hyperparameter_has(
    said: str, values: list[float], scale: str
) -> None:
    rows = pd.DataFrame({"config.x": values, "log_scale": said})
    assert scale_for(rows, "config.x") == scale


@pytest.mark.parametrize(
    ("limits", "numbers"),
    [
        ((0.28, 1.1), ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]),
        ((0.03, 0.6), ["0.05", "0.1", "0.2", "0.5"]),
        ((0.004, 4.0), ["0.01", "0.1", "1"]),
        ((1e-7, 1.0), []),  # too long to write out: powers of ten
        ((0.382, 0.388), ["0.382", "0.383", "0.384", "0.385", "0.386", "0.387", "0.388"]),
    ],
)
def test_a_log_axis_is_numbered_plainly(limits: tuple[float, float], numbers: list[str]) -> None:
    figure, ax = plt.subplots()
    ax.set(yscale="log", ylim=limits)
    plain_log(ax.yaxis)
    figure.canvas.draw()
    ticks = zip(ax.yaxis.get_majorticklocs(), ax.yaxis.get_majorticklabels(), strict=True)
    low, high = limits
    shown = [label.get_text() for place, label in ticks if low <= place <= high]
    minor = [label.get_text() for label in ax.yaxis.get_minorticklabels()]
    plt.close(figure)
    if numbers:
        assert shown == numbers
    else:
        assert shown
        assert all("10^{" in text for text in shown)
    assert not any(minor)
