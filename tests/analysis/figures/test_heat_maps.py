from __future__ import annotations

import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from analysis.figures.heat_maps import draw_heat_maps


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    lines = ["log_c,other,fidelity,loss,cost"]
    for s, y, x in itertools.product((0.125, 1.0), (0.0, 1.0, 2.0), (-1.0, 1.0)):
        lines.append(f"{x},{y},{s},{0.1 + 0.01 * x + 0.1 * y},{s * 10 ** (x + y)}")
    path = tmp_path / "maps.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def figure(maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    points = tmp_path / "points.csv"
    points.write_text("log_c,other,fidelity\n-1,0,1.0\n1,2,1.0\n")
    monkeypatch.setattr(plt, "close", lambda figure: None)
    target = tmp_path / "maps.png"
    assert draw_heat_maps(maps, target, points) == target
    assert target.read_bytes().startswith(b"\x89PNG")
    return plt.gcf()


def test_a_column_a_fidelity_and_a_row_a_quantity(figure: Figure) -> None:
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:4] == ["fidelity 1/8", "fidelity 1", "", ""]
    labels = {axes.get_ylabel() for axes in figure.axes}
    assert {"other", "validation loss", "cost (s)"} <= labels
    assert figure.axes[2].get_xlabel() == "ln C"


def test_every_cell_has_its_value(figure: Figure) -> None:
    (mesh,) = [c for c in figure.axes[3].collections if isinstance(c, QuadMesh)]
    values = np.asarray(mesh.get_array()).reshape(3, 2)
    np.testing.assert_allclose(values, [[10.0 ** (x + y) for x in (-1, 1)] for y in (0, 1, 2)])


def test_points_stand_at_their_fidelity_only(figure: Figure) -> None:
    marked = [axes.lines[0].get_xydata().tolist() for axes in figure.axes[:2]]
    assert marked == [[], [[-1.0, 0.0], [1.0, 2.0]]]


@pytest.mark.parametrize(
    ("rates", "scale"), [((0.01, 0.1, 1.0), "log"), ((0.5, 1.0, 1.5), "linear")]
)
def test_an_axis_is_logarithmic_where_its_values_are(
    rates: tuple[float, ...], scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "maps.csv"
    lines = [f"{x},{y},1,0.5,{x + y}" for x in rates for y in (1, 2)]
    path.write_text("\n".join(["rate,layers,fidelity,loss,cost", *lines]) + "\n")
    monkeypatch.setattr(plt, "close", lambda figure: None)
    draw_heat_maps(path, tmp_path / "maps.png")
    assert plt.gcf().axes[0].get_xscale() == scale
