"""Write the card of a table of learning curves."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import sobol_indices, uniform

from benchmarks.core.space import Categorical, Config
from benchmarks.recorder.card_of_evaluations import cost_line, counts, opening, sessions, short
from tasks.replay import table as tables
from tasks.replay.check_curves import GOOD, Errors, chance_of, held_out_errors
from tasks.replay.curve_surrogate import CurveSurrogate, families_of
from tasks.replay.curves import CURVES

SAMPLES = 1024
"""number of base samples for Sobol indices"""
SOURCES = {
    "search": "the lowest noiseless replay that a search found",
    "recorded": "the lowest mean of a recorded config, below all that a search found",
    "study": "the lowest truth that a study saw, below all that a search found",
}
"""what ``best_from`` of a table means"""


def write_curve_card(path: Path, baseline: Config | None = None) -> Path:
    """Write ``<table>.md`` and ``<table>.png`` beside a table of curves.

    Args:
        path: path of the table.
        baseline: the untuned config, if the task has one.

    Returns:
        The path of ``<table>.md``.
    """
    table = tables.read(path, CURVES)
    surrogates = {
        family: CurveSurrogate(table.space, table.meta, table.columns, family)
        for family in families_of(table.columns)
    }
    picture = path.with_suffix(".png")
    _draw(table, surrogates, baseline, picture)
    target = path.with_suffix(".md")
    target.write_text("\n".join(_lines(table, surrogates, baseline, picture.name)) + "\n")
    return target


def _lines(
    table: tables.Table,
    surrogates: dict[str, CurveSurrogate],
    baseline: Config | None,
    picture: str,
) -> list[str]:
    meta, columns = table.meta, table.columns
    held, seeds = columns["held_out"], columns["training_seed"]
    configs = len(np.unique(columns["config"][~held], axis=0))
    first, *rest = opening(meta)
    chosen = meta["chosen"]
    others = " and ".join(f"`{family}`" for family in surrogates if family != chosen)
    source = meta.get("best_from", {}).get(chosen, "search")
    why = ", nearer to the best held-out curves" if held.any() else ""
    return [
        first,
        "",
        f"![Learning curves, held-out check and importances]({picture})",
        "",
        "*Left: every recorded curve. Middle: configs that no surrogate was fitted to, trained and "
        f"replayed. Right: share of the variance of the (replayed) validation {kind_of_loss(meta)} "
        "that goes with a hyperparameter, its interactions included (Sobol's total effect).*",
        *rest,
        f"- fidelity: {_fidelities(table)}",
        f"- curves: {len(held):,} ({counts(meta['statuses'])}), {meta['cpu_hours']} CPU hours "
        f"charged: {configs:,} configs, {int((seeds[~held] > 0).sum()):,} curves with a further "
        f"training seed, {int(held.sum())} held-out configs",
        cost_line(table),
        f"- between recorded configs: `{chosen}`{why}; "
        f"{others} {'is' if len(surrogates) == 2 else 'are'} here, too (`task.surrogate`)",
        f"- median cost of a full training, over the box: {meta['target_cost'][chosen]:g} s",
        f"- best known loss ({SOURCES[source]}): {meta['best_loss'][chosen]:.4f}",
        *_trained(table, baseline),
        _noise(table, surrogates[chosen]),
        f"- sha256 of the content: `{table.sha256}`",
        "",
        *_held_out(table, surrogates),
        "",
        *sessions(meta["sessions"]),
    ]


def kind_of_loss(meta: Mapping[str, Any]) -> str:
    """Return ``error``, for error rates, or ``loss``, such as nats: those have no ``classes``."""
    return "error" if "classes" in meta["sizes"] else "loss"


def _length(table: tables.Table) -> int:
    """Return the number of entries of a whole curve."""
    return int(table.columns["loss"].shape[1])


def _in_units(table: tables.Table, entry: int) -> int:
    """Return the units of the task, such as steps, after which an entry (from 1) was measured."""
    full: int = table.meta["fidelity_full"]
    return round(entry * full / _length(table))


def _fidelities(table: tables.Table) -> str:
    first, full = _in_units(table, 1), table.meta["fidelity_full"]
    every = f", every {first}" if first > 1 else ""
    return f"{first} to {full} {table.meta['fidelity_unit']}{every}"


def _trained(table: tables.Table, baseline: Config | None) -> list[str]:
    """Return lines on the trainings of the best recorded config and of the baseline."""
    columns, full, kind = table.columns, _length(table), kind_of_loss(table.meta)
    ended = ~columns["held_out"] & (columns["epochs"] == full)
    best = int(np.flatnonzero(ended)[columns["loss"][ended, -1].argmin()])
    named = [("best recorded curve", table.config(best), [best])]
    if baseline is not None:
        numbers = table.space.numbers(baseline)
        same = np.flatnonzero(ended & (columns["config"] == numbers).all(axis=1))
        named += [("baseline", dict(baseline), same.tolist())] if len(same) else []
    lines = []
    for name, config, rows in named:
        where = ", ".join(f"{key}={short(value)}" for key, value in config.items())
        losses, tests = (
            ", ".join(f"{value:.4f}" for value in columns[quantity][rows, -1])
            for quantity in ("loss", "test_loss")
        )
        seeds = f" ({len(rows)} training seeds)" if len(rows) > 1 else ""
        lines.append(f"- {name}{seeds}: {where}: validation {kind} {losses}, test {kind} {tests}")
    return lines


def _noise(table: tables.Table, surrogate: CurveSurrogate) -> str:
    spread = surrogate.spread(np.array([surrogate.inputs(c) for c in _configs(table)]))
    low, middle, high = np.quantile(spread, [0.1, 0.5, 0.9])
    return (
        f"- noise of a training seed at unrecorded configs: standard deviation of log loss at the "
        f"target {middle:.3f} in the median (10 to 90 %: {low:.3f} to {high:.3f}), of log cost "
        f"{table.meta['noise']['cost']:.3f}"
    )


def _configs(table: tables.Table) -> list[dict[str, Any]]:
    return [table.config(row) for row in range(len(table.columns["held_out"]))]


def _held_out(table: tables.Table, surrogates: dict[str, CurveSurrogate]) -> list[str]:
    chance = chance_of(table.meta["sizes"])
    checks = {
        family: held_out_errors(surrogate, table.space, table.columns, chance)
        for family, surrogate in surrogates.items()
    }
    first = next(iter(checks.values()))
    if not first:
        return ["The surrogates are not yet checked on held-out configs."]
    ties = f" (losses above {chance:.3f}, chance, count as ties)" if np.isfinite(chance) else ""
    return [
        f"Held-out check, {first[0].curves} configs. Rank: Spearman's correlation of "
        f"losses{ties}, over all and among the best {GOOD:.0%} at the target; errors of logarithms "
        "are medians of absolute values.",
        "",
        f"| surrogate | {table.meta['fidelity_unit']} | R2 of {kind_of_loss(table.meta)} "
        "| rank, all | rank, best | log error: all, best "
        "| R2 of log cost | log cost error |",
        "|---|---|---|---|---|---|---|---|",
        *(_held_out_row(table, family, e) for family, errors in checks.items() for e in errors),
    ]


def _held_out_row(table: tables.Table, family: str, e: Errors) -> str:
    first, last = _in_units(table, e.first), _in_units(table, e.last)
    units = f"{first}" if first == last else f"{first}-{last}"
    return (
        f"| {family} | {units} | {e.r2:.3f} | {e.rank:.3f} | {e.good_rank:.3f} "
        f"| {e.loss_median:.3f}, {e.good_loss_median:.3f} | {e.cost_r2:.3f} "
        f"| {e.cost_median:.3f} |"
    )


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
        inputs = np.array([surrogate.inputs(config(numbers)) for numbers in u.T])
        return surrogate.predict(inputs).loss[:, [epoch - 1 for epoch in epochs]].T

    indices = sobol_indices(
        func=losses, n=SAMPLES, dists=[uniform()] * len(parameters), rng=np.random.default_rng(0)
    )
    return np.atleast_2d(indices.total_order).T


def _draw(
    table: tables.Table,
    surrogates: dict[str, CurveSurrogate],
    baseline: Config | None,
    picture: Path,
) -> None:
    from analysis.figures.learning_curves import (
        draw_learning_curves,  # matplotlib is slow to import
    )

    columns, full = table.columns, _length(table)
    kept = np.flatnonzero(~columns["held_out"]).tolist()
    best = kept[np.nanargmin(columns["loss"][kept, -1])]
    numbers = None if baseline is None else table.space.numbers(baseline)

    def kind(row: int) -> str:
        if row == best:
            return "best"
        untuned = numbers is not None and (columns["config"][row] == numbers).all()
        return "baseline" if untuned else "recorded"

    curves = (
        (row, kind(row), _in_units(table, epoch + 1), columns["loss"][row, epoch])
        for row in kept
        for epoch in range(columns["epochs"][row])
    )
    held = np.flatnonzero(columns["held_out"] & (columns["epochs"] == full)).tolist()
    checked = (
        (family, columns["loss"][row, -1], replayed)
        for family, surrogate in surrogates.items()
        for row, replayed in zip(held, _final(surrogate, table, held), strict=True)
    )
    epochs = sorted({max(1, round(share * full)) for share in (4 / 35, 18 / 35, 1.0)})
    effects = importances(surrogates[table.meta["chosen"]], table, epochs)
    bars = (
        (name, _in_units(table, epoch), effects[row, column])
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


def _final(surrogate: CurveSurrogate, table: tables.Table, rows: list[int]) -> NDArray[np.float64]:
    if not len(rows):
        return np.empty(0)
    inputs = np.array([surrogate.inputs(table.config(int(row))) for row in rows])
    return surrogate.predict(inputs).loss[:, -1]


def _writer(folder: Path) -> Callable[[str, list[str], Iterable[Sequence[Any]]], Path]:
    def write(name: str, heads: list[str], lines: Iterable[Sequence[Any]]) -> Path:
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(heads)
            writer.writerows(lines)
        return path

    return write
