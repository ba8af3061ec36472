from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.figure import Figure
from analysis.figures.multitask_toy import Z90, draw_multitask

X = np.linspace(0, 1, 5)
CURVES = pd.DataFrame({
    "x": X, "target": X, "cheap": X + 1,
    "single_mean": X + 0.2, "single_sd": 0.1, "multi_mean": X + 0.1, "multi_sd": 0.05,
})  # fmt: skip
POINTS = pd.DataFrame({"task": ["target", "cheap", "cheap"], "x": [0.1, 0.2, 0.3], "loss": 0.5})


@pytest.fixture
def drawn() -> Iterator[Figure]:
    made = draw_multitask(CURVES, POINTS)
    yield made
    plt.close(made.figure)


def test_bands_are_90_percent_of_the_posterior(drawn: Figure) -> None:
    for ax, name in zip(drawn.figure.axes, ("single", "multi"), strict=True):
        top = CURVES[f"{name}_mean"] + Z90 * CURVES[f"{name}_sd"]
        vertices = ax.collections[0].get_paths()[0].vertices
        assert np.max(vertices[:, 1]) == pytest.approx(top.max())


def test_only_the_right_panel_knows_the_cheap_task(drawn: Figure) -> None:
    left, right = ({str(line.get_label()) for line in ax.lines} for ax in drawn.figure.axes)
    assert not any("cheap" in label for label in left)
    assert {"cheap task, truth", "cheap: 2 observations"} <= right


def test_the_caption_says_that_it_is_a_toy_and_what_is_gained(drawn: Figure) -> None:
    assert drawn.caption.startswith(
        "An illustration with two made-up functions; nothing was trained."
    )
    assert "from 0.200 to 0.100" in drawn.caption
