from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from analysis.data.load import load_runs
from analysis.data.tidy import tidy
from analysis.figures.cost_to_target import draw_cost_to_target
from analysis.figures.ecdf import draw_ecdf
from analysis.figures.hyperparameters import draw_hyperparameters
from analysis.figures.incumbent import draw_incumbent
from analysis.figures.literal import literal
from analysis.figures.overhead import draw_overhead
from analysis.figures.run_plot import plot_run
from support.studies import FACTS, write_full_run

ODD = "$\\bad{^_$"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Names that matplotlib cannot read as a formula, or would leave out of a legend."""
    for method in (ODD.replace("\\", "").replace("{", ""), "_x^2"):
        for seed in range(2):
            write_full_run(tmp_path / f"a_$1$/{method}/seed-{seed}", names=(ODD, "y"))
    return tmp_path


def test_names_with_signs_of_formulas_are_drawn_as_they_are(runs: Path, tmp_path: Path) -> None:
    table = tidy(load_runs(runs))
    task = table.task.iloc[0]
    made = [
        draw_incumbent(table), draw_ecdf(table), draw_overhead(table),
        draw_cost_to_target(table, task), draw_hyperparameters(table, task, "_x^2"),
    ]  # fmt: skip
    for each in made:
        each.figure.savefig(tmp_path / "x.png")
        plt.close(each.figure)


def test_a_method_that_begins_with_an_underscore_is_in_the_legend(runs: Path) -> None:
    drawn = draw_overhead(tidy(load_runs(runs)))
    (legend,) = drawn.figure.legends
    assert " _x^2" in [text.get_text() for text in legend.get_texts()]
    plt.close(drawn.figure)


def test_the_picture_of_a_run_is_drawn_with_such_names(runs: Path) -> None:
    folder = runs / "other/$m/seed-0"
    facts = {"fidelity_full": 9, "fidelity_unit": "$^_", "fidelity_low": 0.1}
    write_full_run(folder, task_facts=FACTS | facts)
    assert plot_run(folder).stat().st_size > 1000


def test_powers_of_ten_stay_formulas() -> None:
    figure, ax = plt.subplots()
    ax.plot(pd.Series([1, 1e6]))
    ax.set(yscale="log", title="$x")
    literal(figure)
    figure.canvas.draw()
    assert not ax.title.get_parse_math()
    assert all(label.get_parse_math() for label in ax.get_yticklabels())
    plt.close(figure)
