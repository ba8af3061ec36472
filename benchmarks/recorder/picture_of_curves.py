"""Draw the picture of a table of learning curves: curves, held-out check, importances."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import sobol_indices, uniform

from benchmarks.core.space import Categorical, Config
from benchmarks.recorder.random_configs import inputs
from benchmarks.recorder.units_of_curves import in_units, kind_of_loss, length
from tasks.replay import table as tables
from tasks.replay.curve_surrogate import CurveSurrogate

SAMPLES = 1024
"""number of base samples for Sobol indices"""


def draw(
    table: tables.Table,
    surrogates: Mapping[str, CurveSurrogate],
    untuned: Collection[Config],
    picture: Path,
) -> None:
    """Draw all recorded curves, replayed against recorded losses, and importances.

    Args:
        table: the table of curves.
        surrogates: its surrogates, by family.
        untuned: configs whose curves stand out.
        picture: file to write.
    """
    from analysis.figures.learning_curves import (
        draw_learning_curves,  # matplotlib is slow to import
    )

    columns, full = table.columns, length(table)
    kept = np.flatnonzero(~columns["held_out"]).tolist()
    best = kept[np.nanargmin(columns["loss"][kept, -1])]
    numbers = [table.space.numbers(config) for config in untuned]

    def kind(row: int) -> str:
        if row == best:
            return "best"
        return "baseline" if columns["config"][row].tolist() in numbers else "recorded"

    curves = (
        (row, kind(row), in_units(table, epoch + 1), columns["loss"][row, epoch])
        for row in kept
        for epoch in range(columns["epochs"][row])
    )
    held = np.flatnonzero(columns["held_out"] & (columns["epochs"] == full)).tolist()
    checked = (
        (family, columns["loss"][row, -1], replayed)
        for family, surrogate in surrogates.items()
        for row, replayed in zip(held, losses_at_target(surrogate, table, held), strict=True)
    )
    epochs = sorted({max(1, round(share * full)) for share in (4 / 35, 18 / 35, 1.0)})
    effects = importances(surrogates[table.meta["chosen"]], table, epochs)
    bars = (
        (name, in_units(table, epoch), effects[row, column])
        for row, name in enumerate(table.space.names)
        for column, epoch in enumerate(epochs)
    )
    with tempfile.TemporaryDirectory() as folder:
        write = _writer(Path(folder))
        draw_learning_curves(
            write("curves", ["curve", "kind", "epoch", "loss"], curves),
            write("held_out", ["surrogate", "recorded", "replayed"], checked),
            write("effects", ["hyperparameter", "epoch", "total_effect"], bars),
            picture,
            unit=table.meta["fidelity_unit"],
            kind_of_loss=kind_of_loss(table.meta),
        )


def losses_at_target(
    surrogate: CurveSurrogate, table: tables.Table, rows: Sequence[int]
) -> NDArray[np.float64]:
    """Return the noiseless losses at the target of the configs of some rows."""
    if not len(rows):
        return np.empty(0)
    configs = [table.config(int(row)) for row in rows]
    return surrogate.predict(inputs(surrogate, configs)).loss[:, -1]


def importances(surrogate: CurveSurrogate, table: tables.Table, epochs: Sequence[int]) -> Any:
    """Return Sobol's total effect of each hyperparameter on the noiseless loss after some epochs.

    An epoch is an entry of a curve, from 1.

    The shape is ``(hyperparameters, len(epochs))``.
    """
    space = table.space
    parameters = list(space.parameters.values())

    def config(numbers: NDArray[np.float64]) -> dict[str, Any]:
        """Decode one uniform number per hyperparameter, also for a categorical one."""
        made = {}
        for name, parameter, u in zip(space.names, parameters, numbers, strict=True):
            if isinstance(parameter, Categorical):
                index = min(int(u * len(parameter.choices)), len(parameter.choices) - 1)
                made[name] = parameter.choices[index]
            else:
                made[name] = parameter.decode(np.array([u]))
        return made

    def losses(u: NDArray[np.float64]) -> NDArray[np.float64]:
        predicted = surrogate.predict(inputs(surrogate, [config(numbers) for numbers in u.T]))
        return predicted.loss[:, [epoch - 1 for epoch in epochs]].T

    indices = sobol_indices(
        func=losses, n=SAMPLES, dists=[uniform()] * len(parameters), rng=np.random.default_rng(0)
    )
    return np.atleast_2d(indices.total_order).T


def _writer(folder: Path) -> Callable[[str, list[str], Iterable[Sequence[Any]]], Path]:
    def write(name: str, heads: list[str], lines: Iterable[Sequence[Any]]) -> Path:
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(heads)
            writer.writerows(lines)
        return path

    return write
