"""Write the table of evaluations from the recorder's raw rows."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.space import Space
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from tasks.replay import evaluations as recorded
from tasks.replay import table
from tasks.replay.check_evaluations import held_out_errors

Timed = tuple[raw_rows.Row, float, bool]
"""a row, its normalised cost in seconds, and whether the cost is marked"""
LEAST_CONFIGS, LEAST_SHARE = 10, 0.2
"""a subset seed is replayed at a fidelity where it has this many configs, or this share of those of
the seed with most of them"""


def compact(source: Path, target: Path, space: Space) -> Path:
    """Write the table of all rows recorded so far.

    Args:
        source: file of rows.
        target: npz file to write.
        space: search space of the task.

    Returns:
        ``target``.

    Raises:
        ValueError: nothing is recorded, or no evaluation at the target fidelity.
    """
    everything = raw_rows.read(source)
    timed = list(costs.best_rows(everything))
    if not timed:
        raise ValueError(f"{source} holds no evaluation")
    chosen = without_sparse_levels(timed)
    records = [row.record for row, _, _ in chosen]
    columns = {
        "config": [space.numbers(f["config"]) for f in records],
        "fidelity": [f["fidelity"] for f in records],
        "subset_seed": [f["subset_seed"] for f in records],
        "held_out": [f["held_out"] for f in records],
        "loss": [np.nan if f["loss"] is None else f["loss"] for f in records],
        "test_loss": [np.nan if f["test_loss"] is None else f["test_loss"] for f in records],
        "cost": [round(cost, 6) for _, cost, _ in chosen],
        "wall": [f["wall"] for f in records],
        "marked": [late for _, _, late in chosen],
    }
    meta = {
        **recording_info(timed, everything, space),
        "name": target.stem,
        "target_cost": 1.0,
        "resolution": None,
    }
    if len(chosen) < len(timed):
        meta["left_out"] = len(timed) - len(chosen)
    arrays = {name: np.array(column) for name, column in columns.items()}
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # an incomplete recording must not replace a table
        probe = Path(folder) / "probe.npz"
        table.write(probe, meta, arrays)
        meta["target_cost"] = _median_target_cost(probe, space)
        meta["resolution"] = _resolution(probe)
    table.write(target, meta, arrays)
    return target


def without_sparse_levels(timed: list[Timed]) -> list[Timed]:
    """Leave out a subset seed at a fidelity where it was recorded for a few configs only.

    A replay interpolates within a subset seed, so that a seed recorded for little more than an
    untuned config would give the whole space a value from this one.

    Args:
        timed: rows with costs, from ``cost_normalisation.best_rows``.
    """
    configs: dict[tuple[float, int], set[object]] = {}
    for row, *_ in timed:
        if not row.record["held_out"]:
            configs.setdefault(row.key[1:], set()).add(row.key[0])
    most: dict[float, int] = {}
    for (fidelity, _), found in configs.items():
        most[fidelity] = max(most.get(fidelity, 0), len(found))
    sparse = {
        level
        for level, found in configs.items()
        if len(found) < min(LEAST_CONFIGS, LEAST_SHARE * most[level[0]])
    }
    return [entry for entry in timed if entry[0].key[1:] not in sparse]


def recording_info(
    chosen: list[tuple[raw_rows.Row, float, bool]], everything: list[raw_rows.Row], space: Space
) -> dict[str, Any]:
    """Return the entries of ``meta`` that all kinds of tables share.

    Args:
        chosen: rows with costs, from ``cost_normalisation.best_rows``.
        everything: all rows.
        space: search space of the task.
    """
    session, latest = chosen[0][0].session, everything[-1].session
    records = [row.record for row, _, _ in chosen]
    return {
        "space": space.spec(),
        **{k: session[k] for k in ("identity", "fidelity_low", "fidelity_full", "fidelity_unit")},
        "loss_floor": session["loss_floor"],
        "caption": latest.get("caption", ""),
        "sizes": latest.get("sizes", {}),
        "sessions": _sessions(chosen),
        "idle_reference_seconds": costs.idle_references(everything),
        "machine_factors": costs.machine_factors(everything),
        "cpu_hours": round(sum(f["cost"] for f in records) / 3600, 2),
        "statuses": dict(Counter(f["status"] for f in records)),
    }


def _resolution(path: Path) -> float | None:
    """Return the median error of interpolated losses of good configs at the target.

    None if no such config was held out.
    """
    task = recorded.RecordedTask(str(path))
    for errors in held_out_errors(table.read(path), task):
        if errors.good and errors.fidelity == 1 and task.best_loss is not None:
            return round(task.best_loss * float(np.expm1(errors.loss_median)), 9)
    return None


def _sessions(chosen: list[tuple[raw_rows.Row, float, bool]]) -> list[dict[str, Any]]:
    """Return distinct commits, versions and machines, with the number of evaluations of each."""
    entries: dict[str, dict[str, Any]] = {}
    for row, _, _ in chosen:
        facts = {k: row.session[k] for k in ("commit", "dirty", "versions", "machine")}
        entry = entries.setdefault(repr(facts), {**facts, "evaluations": 0})
        entry["evaluations"] += 1
    return list(entries.values())


def _median_target_cost(target: Path, space: Space) -> float:
    """Return the median cost, in seconds, of an evaluation at the target over the search space.

    The median is over a grid of 41 steps per axis, or over random configs above two dimensions.
    """
    task = recorded.RecordedTask(str(target))
    steps = [np.linspace(0, 1, 41)] * space.width if space.width <= 2 else None
    if steps is None:
        points = np.random.default_rng(0).random((2000, space.width))
    else:
        points = np.stack([axis.ravel() for axis in np.meshgrid(*steps)], axis=1)
    rng = np.random.default_rng(0)
    costs = [task.evaluate(space.decode(u), 1.0, rng).cost for u in points]
    return round(float(np.median(costs)), 3)
