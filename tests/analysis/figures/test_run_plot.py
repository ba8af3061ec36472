from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from analysis.figures.run_plot import plot_run
from support.rows import run_meta, trial_row

ROOT = Path(__file__).resolve().parents[3]
FACTS = {
    "best_loss": 0.1,
    "loss_floor": 0.001,
    "fidelity_low": 0.01,
    "fidelity_full": 100,
    "fidelity_unit": "rows",
}


def write(folder: Path, rows: list[dict[str, Any]], **facts: Any) -> None:
    meta = run_meta(method="random", task_facts={**FACTS, **facts})
    (folder / "meta.json").write_text(json.dumps(meta))
    spent = [0.0, *(row["cumulative_cost"] for row in rows)]
    costs = [{"cost": now - before} for before, now in pairwise(spent)]
    lines = [
        json.dumps(trial_row(number, **row, **cost))
        for number, (row, cost) in enumerate(zip(rows, costs, strict=True))
    ]
    (folder / "trace.jsonl").write_text("\n".join(lines) + "\n")


def row(cost: float, recommended_loss: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "cumulative_cost": float(cost),
        "recommended": None if recommended_loss is None else {},
        "recommended_loss": recommended_loss,
        "fidelity": 0.5,
        "status": "ok",
        "loss": 0.4,
        "best_at_target": None,
        "best_seen": 0,
    } | changes


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Keeps the figures that are drawn, so that their data can be looked at."""
    figures: list[Any] = []
    monkeypatch.setattr(plt, "close", figures.append)
    return figures


def line(figure: Any) -> Any:
    return figure.axes[0].lines[0].get_xydata()


def test_it_draws_regret_in_steps_floored_at_half_an_example(
    tmp_path: Path, drawn: list[Any]
) -> None:
    write(tmp_path, [row(1, 0.3), row(2, 0.2), row(4, 0.1)])
    assert plot_run(tmp_path) == tmp_path / "regret.png"
    (figure,) = drawn
    assert line(figure) == pytest.approx(np.array([(1, 0.2), (2, 0.1), (4, 0.001)]))
    assert figure.axes[0].lines[0].get_drawstyle() == "steps-post"
    assert figure.axes[1].get_xlabel() == "evaluation cost so far (s)"
    assert "100 rows" in figure.axes[1].get_title(loc="left")


@pytest.mark.parametrize("at_target", [1, None])
def test_without_truth_it_draws_the_lowest_loss_seen_and_says_where(
    at_target: int | None, tmp_path: Path, drawn: list[Any]
) -> None:
    rows = [row(1, None, loss=0.5), row(2, None, best_at_target=at_target, loss=0.3, best_seen=1)]
    write(tmp_path, rows, best_loss=None)
    plot_run(tmp_path)
    label = drawn[0].axes[0].get_ylabel()
    assert ("none at the target" in label) == (at_target is None)
    assert line(drawn[0])[-1] == pytest.approx([2, 0.3])


def test_regret_below_what_a_replay_tells_apart_is_grey(tmp_path: Path, drawn: list[Any]) -> None:
    write(tmp_path, [row(1, 0.3), row(2, 0.2)], resolution=0.004, caption="not real")
    plot_run(tmp_path)
    upper = drawn[0].axes[0]
    assert "interpolation error (0.004)" in upper.get_legend().get_texts()[0].get_text()
    (band,) = upper.patches
    assert band.get_extents().transformed(upper.transData.inverted()).y1 == pytest.approx(0.004)
    assert "not real" in upper.get_title()


def test_it_draws_a_run_whose_trials_all_failed(tmp_path: Path) -> None:
    failed = row(1, None, status="failed", loss=None, best_seen=None)
    write(tmp_path, [failed], best_loss=None)
    assert plot_run(tmp_path).exists()


def test_it_imports_neither_seaborn_nor_pandas(tmp_path: Path) -> None:
    write(tmp_path, [row(1, 0.3), row(2, 0.2)])
    code = (
        "import sys\nfrom pathlib import Path\nfrom analysis.figures.run_plot import plot_run\n"
        "plot_run(Path(sys.argv[1]))\n"
        'assert "seaborn" not in sys.modules\nassert "pandas" not in sys.modules'
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=ROOT)
    assert (tmp_path / "regret.png").exists()
