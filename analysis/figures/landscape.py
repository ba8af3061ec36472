"""Draw loss and cost over two hyperparameters, with the trials of a run.

Compare slide 17 of the SigOpt talk (GTC 2019, S9313).
"""

from __future__ import annotations

import pandas as pd

from analysis.figures.figure import Figure
from analysis.figures.heat_maps import heat_maps


def draw_landscape(maps: pd.DataFrame, table: pd.DataFrame, task: str, method: str) -> Figure:
    """Draw loss and cost of a task at several fidelities, and the trials of one run.

    Args:
        maps: loss and cost on a grid, from the file ``maps_<task>.csv`` that
            ``benchmarks.figure_data`` writes; see ``analysis.figures.heat_maps.heat_maps``.
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        method: name of the method; its run with the lowest seed is drawn.

    Returns:
        A figure whose data are the rows of ``maps`` and the trials of the run; ``kind`` is ``map``
        or ``trial``.

    Raises:
        ValueError: if the method has no run on the task.
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
        f"trainings, at the fidelities {shares} (shares of a full training); both colour scales "
        f"are logarithmic. Dots: the {len(run)} trials of {method} with seed {seed}, each in the "
        "panel of the nearest fidelity."
    )
    data = pd.concat([maps.assign(kind="map"), points.assign(kind="trial")], ignore_index=True)
    return Figure(heat_maps(maps, points), data, caption)
