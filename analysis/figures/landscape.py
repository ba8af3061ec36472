"""Loss and cost over two hyperparameters, with a run's trials on top (the talk's slide 17)."""

from __future__ import annotations

import pandas as pd

from analysis.figures.figure import Figure
from analysis.figures.heat_maps import heat_maps


def draw_landscape(maps: pd.DataFrame, table: pd.DataFrame, task: str, method: str) -> Figure:
    """Draw the task's landscape at four fidelities, and the trials of one run.

    Args:
        maps: of the task, as ``benchmarks.figure_data`` writes it.
        table: the tidy table.
        task: whose runs are looked at.
        method: its run with the lowest seed is shown.

    Raises:
        ValueError: the method has no run on the task.
    """
    runs = table[(table["task"] == task) & (table["method"] == method)]
    if runs.empty:
        raise ValueError(f"{method} has no run on {task}")
    seed = runs["seed"].min()
    run = runs[runs["seed"] == seed]
    x, y = list(maps)[:2]
    points = run[[f"config.{x}", f"config.{y}", "fidelity"]].set_axis([x, y, "fidelity"], axis=1)
    shares = ", ".join(f"{share:.3g}" for share in sorted(maps["fidelity"].unique()))
    caption = (
        f"{task}: validation loss (above) and cost (below), interpolated between recorded "
        f"trainings, at the shares {shares} of a full training; both colour scales are "
        f"logarithmic. Dots: the {len(run)} trials of {method}, seed {seed}, each in the panel of "
        "the nearest fidelity."
    )
    data = pd.concat([maps.assign(kind="map"), points.assign(kind="trial")], ignore_index=True)
    return Figure(heat_maps(maps, points), data, caption)
