"""Write the table of curves, with fitted surrogates, from the recorder's raw rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.records import Curve, RecordedRow
from benchmarks.core.space import Config, Space
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.lowest_loss import inputs_at, lowest_loss
from benchmarks.recorder.separate_trainings import Timed, separate_trainings
from benchmarks.recorder.table_of_evaluations import recording_info
from tasks.replay import fit_curves as curve_fit
from tasks.replay import table
from tasks.replay.best_known import best_known
from tasks.replay.check_curves import Errors, chance_of, held_out_errors
from tasks.replay.curve_surrogate import FAMILIES, CurveSurrogate
from tasks.replay.curves import CURVES

AVERAGED = 2000
"""number of random configs for the median cost of a full training"""


def compact_curves(
    source: Path,
    target: Path,
    space: Space,
    derived: Mapping[str, Mapping[str, float]],
    caption: str | None = None,
    seen: Mapping[str, Sequence[Config]] | None = None,
) -> Path:
    """Write the table of all curves recorded so far.

    Without curves in the rows, the trainings of a config at several fidelities become one (see
    ``separate_trainings``). A table at ``target`` of the very same curves keeps its fits, since
    the last bits of a fit differ between machines, and with them what a replay returns; only what
    it lacks is fitted.

    Args:
        source: file of rows.
        target: npz file to write.
        space: search space of the task.
        derived: additional inputs of the surrogates; see ``curve_surrogate.inputs_of``.
        caption: caption of all results; None is the task's.
        seen: configs that committed studies evaluated, by name of the study; the best known loss is
            at most the lowest of their truths.

    Returns:
        ``target``.

    Raises:
        ValueError: too few curves to fit a surrogate.
    """
    everything = raw_rows.read(source)
    best_rows = list(costs.best_rows(everything))
    curves = curves_in(best_rows, space)
    shares, columns = curves.shares, curves.columns
    meta = {**recording_info(best_rows, everything, space), "name": target.stem}
    if caption is not None:
        meta["caption"] = caption
    if shares is not None:
        meta |= {"shares": shares, "dropped": curves.dropped}
    earlier = _earlier(target, columns, derived)
    kept = None if earlier is None else curve_fit.fitted(earlier.columns)
    arrays, facts = curve_fit.fit(
        space, columns, derived, meta["loss_floor"], separate=shares is not None, kept=kept
    )
    columns |= arrays
    meta |= facts | {"training_seeds": _training_seeds(columns)}
    if earlier is not None:
        meta |= {key: earlier.meta[key] for key in facts}
    best, origin, cost, errors = {}, {}, {}, {}
    truths: dict[str, dict[str, float]] = {}
    for family in FAMILIES:
        surrogate = CurveSurrogate(space, meta, columns, family)
        searched = lowest_loss(surrogate, space, columns)
        if (
            earlier is not None
            and earlier.meta.get("best_from", {}).get(family, "search") == "search"
        ):
            searched = min(searched, earlier.meta["best_loss"].get(family, searched))
        truths[family] = lowest_truths(surrogate, space, columns, seen or {})
        best[family], origin[family] = best_known(columns, searched, [*truths[family].values()])
        sample = inputs_at(
            surrogate, space, np.random.default_rng(0).random((AVERAGED, space.width))
        )
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
    if seen:
        meta["study_truths"] = {family: sorted(found.values()) for family, found in truths.items()}
        meta["study_sources"] = {
            family: min(found, key=lambda study: found[study])
            for family, found in truths.items()
            if found
        }
    table.write(target, meta, columns, CURVES)
    return target


class Found(NamedTuple):
    """Curves of a recording."""

    columns: dict[str, NDArray[Any]]
    """the recorded columns of ``tasks.replay.curves.CURVES``"""
    shares: list[float] | None = None
    """fidelities of the entries, if each is a training of its own"""
    dropped: int = 0
    """number of curves left out, of which a training is missing or failed"""


def curves_in(timed: list[Timed], space: Space) -> Found:
    """Return the curves among rows with costs, or join separate trainings if there is none.

    Args:
        timed: from ``cost_normalisation.best_rows``.
        space: search space of the task.

    Raises:
        ValueError: no curve is whole.
    """
    if any("curve" in row.record for row, *_ in timed):
        chosen = [entry for entry in timed if _is_curve(entry[0].record)]
        return Found(columns_of(chosen, space, length_of(chosen)))
    shares, columns, dropped = separate_trainings(timed, space)
    return Found(columns, shares, dropped)


def _earlier(
    target: Path, columns: Mapping[str, Any], derived: Mapping[str, Mapping[str, float]]
) -> table.Table | None:
    """Return the table at ``target``; None if there is none of these curves and inputs."""
    try:
        earlier = table.read(target, CURVES)
    except table.TableError:
        return None
    plain = {name: dict(powers) for name, powers in derived.items()}
    same = earlier.meta.get("derived") == plain and all(
        np.array_equal(earlier.columns[name], values.astype(CURVES.columns[name]), equal_nan=True)
        for name, values in columns.items()
    )
    return earlier if same else None


def lowest_truths(
    surrogate: CurveSurrogate,
    space: Space,
    columns: Mapping[str, Any],
    seen: Mapping[str, Sequence[Config]],
) -> dict[str, float]:
    """Return the lowest truth among the configs that each study evaluated.

    It is the noiseless prediction of the surrogate. Configs that were recorded are left out, since
    their truth is what was measured.

    Args:
        surrogate: fitted to the curves.
        space: search space.
        columns: the recorded columns.
        seen: configs by name of the study.
    """
    recorded = {tuple(numbers) for numbers in columns["config"][~columns["held_out"]].tolist()}
    found = {}
    for study, configs in seen.items():
        new = [config for config in configs if tuple(space.numbers(config)) not in recorded]
        if new:
            inputs = np.array([surrogate.inputs(config) for config in new])
            found[study] = float(surrogate.predict(inputs).loss[:, -1].min())
    return found


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
