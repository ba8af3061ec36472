from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.low_fidelities import draw_low_fidelities

ROWS = "4 of 35 epochs,0.9,0.5\n4 of 35 epochs,0.8,0.04\n18 of 35 epochs,0.6,0.5\n"


def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str) -> Figure:
    kept: list[Figure] = []
    monkeypatch.setattr(plt, "close", kept.append)
    data = tmp_path / "data.csv"
    data.write_text("fidelity,loss,target\n" + rows)
    assert draw_low_fidelities(data, tmp_path / "p.png", kind_of_loss="loss").stat().st_size > 5000
    return kept[0]


def test_each_fidelity_has_a_panel_with_a_dot_per_config_and_the_diagonal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = drawn(tmp_path, monkeypatch, ROWS)
    assert [ax.get_title() for ax in figure.axes] == ["4 of 35 epochs", "18 of 35 epochs"]
    diagonal, dots = figure.axes[0].lines
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    assert list(zip(dots.get_xdata(), dots.get_ydata(), strict=True)) == [(0.5, 0.9), (0.04, 0.8)]
    assert figure.axes[0].get_xlabel() == "validation loss, full training"
    assert figure.axes[0].get_xscale() == "log"
    assert figure.axes[0].get_xlim() == figure.axes[1].get_ylim()


def test_losses_that_hardly_differ_are_drawn_on_a_linear_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = drawn(tmp_path, monkeypatch, "a,0.99,0.9\na,0.95,0.92\n")
    assert figure.axes[0].get_xscale() == "linear"
    low, high = figure.axes[0].get_xlim()
    assert 0.88 < low < 0.9
    assert 0.99 < high < 1
