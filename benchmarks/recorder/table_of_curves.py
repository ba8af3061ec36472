"""Write the table of curves, with fitted surrogates, from the recorder's raw rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.records import Curve, RecordedRow
from benchmarks.core.space import Space
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.table_of_evaluations import recording_info
from tasks.replay import fit_curves as curve_fit
from tasks.replay import table
from tasks.replay.best_known import best_known
from tasks.replay.check_curves import Errors, chance_of, held_out_errors
from tasks.replay.curve_surrogate import FAMILIES, CurveSurrogate
from tasks.replay.curves import CURVES

SEARCHED, STARTS, NEAR, STEPS = 5000, 20, 50, 40
"""search for the lowest loss: random configs, the best of them that are starts besides all
recorded configs (and the starts that are left after a few steps), neighbours of each start per
step, steps"""
AVERAGED = 2000
"""number of random configs for the median cost of a full training"""


def compact_curves(
    source: Path,
    target: Path,
    space: Space,
    derived: Mapping[str, Mapping[str, float]],
    caption: str | None = None,
    truths: Mapping[str, Sequence[float]] | None = None,
) -> Path:
    """Write the table of all curves recorded so far.

    Args:
        source: file of rows, each with a ``curve``.
        target: npz file to write.
        space: search space of the task.
        derived: additional inputs of the surrogates; see ``curve_surrogate.inputs_of``.
        caption: caption of all results; None is the task's.
        truths: for each family, true losses that studies of this very fit saw; the best known loss
            is at most the lowest of them.

    Returns:
        ``target``.

    Raises:
        ValueError: too few curves to fit a surrogate.
    """
    everything = raw_rows.read(source)
    chosen = [c for c in costs.best_rows(everything) if _is_curve(c[0].record)]
    meta = {**recording_info(chosen, everything, space), "name": target.stem}
    if caption is not None:
        meta["caption"] = caption
    columns = columns_of(chosen, space, length_of(chosen))
    arrays, facts = curve_fit.fit(space, columns, derived, meta["loss_floor"])
    columns |= arrays
    meta |= facts | {"training_seeds": _training_seeds(columns)}
    truths = truths or {}
    best, origin, cost, errors = {}, {}, {}, {}
    for family in FAMILIES:
        surrogate = CurveSurrogate(space, meta, columns, family)
        searched = _lowest(surrogate, space, columns)
        best[family], origin[family] = best_known(columns, searched, truths.get(family, ()))
        sample = _inputs(surrogate, space, np.random.default_rng(0).random((AVERAGED, space.width)))
        cost[family] = round(float(np.median(surrogate.predict(sample).cost[:, -1])), 3)
        errors[family] = held_out_errors(surrogate, space, columns, chance_of(meta["sizes"]))
    checked = [family for family in FAMILIES if errors[family]]
    meta |= {
        "best_loss": best,
        "best_from": origin,
        "target_cost": cost,
        "resolution": {f: _resolution(best[f], errors[f]) for f in FAMILIES},
        # judged on good configs: many others are at chance, which any family predicts
        "chosen": min(checked, key=lambda f: errors[f][-1].good_loss_median, default=FAMILIES[0]),
    }
    if truths:
        meta["study_truths"] = {family: sorted(values) for family, values in truths.items()}
    table.write(target, meta, columns, CURVES)
    return target


def _is_curve(record: RecordedRow) -> bool:
    """Return True for a full training: a whole curve, or one that ended since it diverged."""
    return record["fidelity"] == 1 and ("curve" in record or record["status"] == "diverged")


def length_of(chosen: Sequence[tuple[raw_rows.Row, float, bool]]) -> int:
    """Return the number of entries of a whole curve.

    It is no fact of the task: a language model's curve has 27 entries of 20 steps each.

    Raises:
        ValueError: no curve is whole.
    """
    ended = [row.record for row, _, _ in chosen if row.record["status"] == "ok"]
    if not ended:
        raise ValueError("0 whole curves are recorded: a surrogate needs 20 or more")
    return max(len(record["curve"]["loss"]) for record in ended)


def columns_of(
    chosen: list[tuple[raw_rows.Row, float, bool]], space: Space, full: int
) -> dict[str, NDArray[Any]]:
    """Return the recorded columns of ``tasks.replay.curves.CURVES``.

    Args:
        chosen: rows with costs, from ``cost_normalisation.best_rows``.
        space: search space of the task.
        full: number of entries of a whole curve.
    """
    nothing: Curve = {"loss": [], "cost": []}
    curves = [row.record.get("curve", nothing) for row, _, _ in chosen]
    records = [row.record for row, _, _ in chosen]
    columns: dict[str, Any] = {
        "config": [space.numbers(f["config"]) for f in records],
        "training_seed": [f["subset_seed"] for f in records],
        "held_out": [f["held_out"] for f in records],
        "epochs": [len(curve["loss"]) for curve in curves],
        "marked": [late for _, _, late in chosen],
    }
    loss, test_loss = np.full((2, len(records), full), np.nan)
    cost = np.full((len(records), full + 1), np.nan)
    for row, (f, (_, normalised, _)) in enumerate(zip(records, chosen, strict=True)):
        curve, held = curves[row], columns["epochs"][row]
        loss[row, :held] = curve["loss"]
        test_loss[row, :held] = curve.get("test_loss") or np.nan
        spent = curve["cost"] if held == full else [*curve["cost"], f["cost"]]
        cost[row, : len(spent)] = np.round(np.array(spent) * normalised / f["cost"], 6)
    columns |= {"loss": loss, "test_loss": test_loss, "cost": cost[:, : full + 1]}
    return {name: np.array(column) for name, column in columns.items()}


def _resolution(best: float, errors: list[Errors]) -> float | None:
    """Return the median error of replayed losses of good configs at the target; None if unknown."""
    return round(best * float(np.expm1(errors[-1].good_loss_median)), 9) if errors else None


def _training_seeds(columns: Mapping[str, NDArray[Any]]) -> int:
    """Return the number of training seeds that a replay draws from at unrecorded configs."""
    return max(10, int(columns["training_seed"].max()) + 1)


def _inputs(surrogate: CurveSurrogate, space: Space, points: NDArray[np.float64]) -> Any:
    return np.array([surrogate.inputs(space.decode(u)) for u in points])


def _lowest(surrogate: CurveSurrogate, space: Space, columns: Mapping[str, Any]) -> float:
    """Search for the lowest noiseless loss at the target.

    The search starts at all recorded configs and the best of random ones, and moves along random
    subsets of the coordinates, in ever smaller steps. After each step it goes on with the better
    half, down to ``STARTS``.
    """

    def losses_at(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return surrogate.predict(_inputs(surrogate, space, points)).loss[:, -1]

    rng = np.random.default_rng(0)
    recorded = [
        space.encode(space.from_numbers(numbers))
        for numbers in np.unique(columns["config"], axis=0)
    ]
    points = rng.random((SEARCHED, space.width))
    best = np.argsort(losses_at(points), kind="stable")[:STARTS]
    points = np.vstack([recorded, points[best]])
    losses = losses_at(points)
    for step in range(STEPS):
        old = np.repeat(points[:, None], NEAR, axis=1)
        moved = np.clip(old + 0.4 * 0.88**step * rng.standard_normal(old.shape), 0, 1)
        near = np.where(rng.random(old.shape) < 0.5, moved, old)
        reached = losses_at(near.reshape(-1, space.width)).reshape(near.shape[:2])
        lowest = reached.argmin(axis=1)
        lines = np.arange(len(points))
        better = reached[lines, lowest] <= losses
        points = np.where(better[:, None], near[lines, lowest], points)
        losses = np.where(better, reached[lines, lowest], losses)
        kept = np.argsort(losses, kind="stable")[: max(STARTS, len(losses) // 2)]
        points, losses = points[kept], losses[kept]
    return float(losses.min())
