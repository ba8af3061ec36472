from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from analysis.figures.learning_curves import draw_learning_curves

CURVES = """curve,kind,epoch,loss
0,baseline,1,0.9
0,baseline,2,0.7
1,recorded,1,0.8
1,recorded,2,0.6
2,recorded,1,0.95
2,recorded,2,0.9
3,best,1,0.7
3,best,2,0.3
"""
HELD_OUT = """surrogate,recorded,replayed
boosting,0.4,0.45
boosting,0.8,0.75
extra_trees,0.4,0.41
extra_trees,0.8,0.79
"""
EFFECTS = """hyperparameter,epoch,total_effect
rate,1,0.2
rate,2,0.7
weight_decay,1,0.5
weight_decay,2,0.4
"""


@pytest.fixture
def figure(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Figure:
    held_out = getattr(request, "param", HELD_OUT)
    texts = {"curves": CURVES, "held_out": held_out, "effects": EFFECTS}
    paths = [tmp_path / f"{name}.csv" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    monkeypatch.setattr(plt, "close", lambda figure: None)
    target = tmp_path / "curves.png"
    assert draw_learning_curves(*paths, target) == target
    assert target.read_bytes().startswith(b"\x89PNG")
    return plt.gcf()


def test_every_curve_is_drawn_and_best_and_baseline_stand_out(figure: Figure) -> None:
    lines = {tuple(line.get_ydata()): line for line in figure.axes[0].lines}
    assert set(lines) == {(0.9, 0.7), (0.8, 0.6), (0.95, 0.9), (0.7, 0.3)}
    assert lines[0.7, 0.3].get_linewidth() > lines[0.8, 0.6].get_linewidth()
    assert lines[0.7, 0.3].get_color() != lines[0.9, 0.7].get_color()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert sorted(t.get_text() for t in legend.get_texts()) == ["baseline", "best", "recorded"]


def test_held_out_points_are_trained_against_replayed(figure: Figure) -> None:
    points = {line.get_label(): line for line in figure.axes[1].lines}
    assert list(points["boosting"].get_xdata()) == [0.4, 0.8]
    assert list(points["extra_trees"].get_ydata()) == [0.41, 0.79]


def test_the_most_important_at_the_target_is_on_top(figure: Figure) -> None:
    labels = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    assert labels == ["weight decay", "rate"]
    widths = [bar.get_width() for bar in figure.axes[2].patches]
    assert widths == [0.5, 0.2, 0.4, 0.7]


def test_axes_say_what_they_show(figure: Figure) -> None:
    assert figure.axes[0].get_xlabel() == "epochs"
    assert figure.axes[0].get_ylabel() == "validation error"
    assert "share of variance" in figure.axes[2].get_xlabel()


@pytest.mark.parametrize("figure", ["surrogate,recorded,replayed\n"], indirect=True)
def test_nothing_held_out_leaves_a_panel_empty(figure: Figure) -> None:
    assert len(figure.axes[1].lines) == 0
