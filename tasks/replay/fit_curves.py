"""Fit the surrogates of recorded learning curves; ``curve_surrogate`` predicts with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array
from benchmarks.core.space import Space
from tasks.replay import fit_perceptrons
from tasks.replay import fit_trees as ensembles
from tasks.replay.curve_surrogate import COLUMNS, inputs_of

COMPONENTS = 6
"""number of principal components of the loss curves"""
COST_COMPONENTS = 3
"""the same of the costs, where each entry of a curve is a training of its own"""
LEAST_SD = 1e-3
"""least sd of log loss over training seeds; keeps its logarithm finite"""


def fit(
    space: Space,
    columns: Mapping[str, NDArray[Any]],
    derived: Mapping[str, Mapping[str, float]],
    loss_floor: float,
    *,
    separate: bool = False,
    kept: Mapping[str, NDArray[Any]] | None = None,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Fit all families, and the noise, to all whole curves that are not held out.

    Args:
        space: search space.
        columns: the recorded columns of ``tasks.replay.curves.CURVES``.
        derived: additional inputs of the models; see ``tasks.replay.curve_surrogate.inputs_of``.
        loss_floor: lower losses are raised to this value before taking logarithms.
        separate: each entry of a curve is a training of its own, whose cost has a shape of its own.
        kept: arrays of an earlier fit to the same curves. What they hold is not fitted again, since
            the last bits of a fit differ between machines; only what they lack is.

    Returns:
        The arrays of ``tasks.replay.curve_surrogate.COLUMNS``, and the entries of ``meta`` that
        ``CurveSurrogate`` needs.

    Raises:
        ValueError: fewer than 20 whole curves.
    """
    epochs = columns["loss"].shape[1]
    rows = np.flatnonzero(~columns["held_out"] & (columns["epochs"] == epochs))
    if len(rows) < 20:
        raise ValueError(f"{len(rows)} whole curves are recorded: a surrogate needs 20 or more")
    configs = [space.from_numbers(numbers) for numbers in columns["config"][rows]]
    inputs = np.array([inputs_of(space, config, derived) for config in configs])
    # where some curve has no test loss, such as anywhere but at the target, none is predicted
    tested = np.isfinite(columns["test_loss"][rows]).all(axis=0)
    loss, cost = (columns[name][rows] for name in ("loss", "cost"))
    test_loss = np.where(tested, columns["test_loss"][rows], loss)
    logs = np.log(np.maximum(np.hstack([loss, test_loss]), loss_floor))
    log_costs = np.log(cost[:, :epochs] if separate else cost[:, epochs - 1 : epochs])
    shape = np.median(cost[:, :epochs] / cost[:, epochs - 1 :][:, :1], axis=0)
    if kept is None:
        mean, basis = _basis(logs, log_costs)
    else:
        mean, basis = kept["mean"].copy(), kept["basis"]
    of_cost = np.flatnonzero(basis[:, 2 * epochs :].any(axis=1)).tolist()
    groups = [[k for k in range(len(basis)) if k not in of_cost], of_cost]
    # the rows of a basis are orthonormal
    outputs = np.column_stack([
        (logs - logs.mean(axis=0)) @ basis[groups[0], : 2 * epochs].T,
        (log_costs - log_costs.mean(axis=0)) @ basis[of_cost, 2 * epochs :].T,
    ])  # fmt: skip
    recorded = np.column_stack([logs, log_costs])
    limits = np.stack([recorded.min(axis=0), recorded.max(axis=0)])
    unknown = epochs + np.flatnonzero(~tested)
    mean[unknown] = limits[:, unknown] = np.nan
    arrays: dict[str, NDArray[Any]] = {
        "mean": mean,
        "basis": basis,
        "cost_shape": np.ones(epochs) if separate else shape,
        "recorded_range": limits,
    }
    kept = kept or {}
    for family in ("extra_trees", "boosting"):
        if f"{family}_root" not in kept:
            arrays |= ensembles.fit(family, inputs, outputs, groups).arrays(family)
    if "perceptrons_first" not in kept:
        arrays |= fit_perceptrons.fit(inputs, outputs, groups).arrays("perceptrons")
    more, noise = _noise(columns["config"][rows], inputs, logs, log_costs[:, -1])
    facts = {
        "derived": {name: dict(powers) for name, powers in derived.items()},
        "noise": noise,
        # clipping at the lowest recorded loss would turn all lower predictions into one plateau
        "losses": [loss_floor, float(np.exp(logs.max()))],
    }
    return {**arrays, **more, **kept}, facts


def fitted(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return what ``fit`` returned for a table: its columns besides the recorded ones."""
    return {name: columns[name] for name in COLUMNS if name in columns}


def _basis(logs: Array, log_costs: Array) -> tuple[Array, Array]:
    """Return the mean and the principal components of curves, losses and costs apart.

    Args:
        logs: shape ``(n, 2 epochs)``.
        log_costs: shape ``(n, costs)``.
    """
    parts = [_components(logs, COMPONENTS), _components(log_costs, COST_COMPONENTS)]
    mean = np.concatenate([part.mean(axis=0) for part in (logs, log_costs)])
    basis = np.zeros((sum(map(len, parts)), len(mean)))
    basis[: len(parts[0]), : logs.shape[1]] = parts[0]
    basis[len(parts[0]) :, logs.shape[1] :] = parts[1]
    return mean, basis


def _components(values: Array, most: int) -> Array:
    """Return the first principal components, shape ``(components, columns)``."""
    if values.shape[1] == 1:
        return np.ones((1, 1))
    return np.linalg.svd(values - values.mean(axis=0), full_matrices=False)[2][:most]


def _noise(
    configs: Array, inputs: Array, logs: Array, whole: Array
) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    """Fit the variation of curves between training seeds to configs recorded with several seeds.

    Trees predict the sd of log loss at the target, since it is far larger for unstable trainings;
    its growth along the curve has the same shape for all configs.

    Returns:
        The arrays ``noise_*``, and ``correlation`` and ``cost`` of ``meta["noise"]``.
    """
    epochs = logs.shape[1] // 2
    _, group, count = np.unique(configs, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    repeated = np.flatnonzero(count[group] > 1)
    if not len(repeated):
        nothing = ensembles.constant(np.log([LEAST_SD]))
        flat = {"noise_shape": np.zeros(epochs)}
        return flat | nothing.arrays("noise"), {"correlation": 0.0, "cost": 0.0}
    off, cost_off = np.empty((len(repeated), 2 * epochs)), np.empty(len(repeated))
    for index, row in enumerate(repeated):
        same = group == group[row]
        bias = np.sqrt(count[group[row]] / (count[group[row]] - 1))
        off[index] = bias * (logs[row] - logs[same].mean(axis=0))
        cost_off[index] = bias * (whole[row] - whole[same].mean())
    forest = ensembles.fit_spread(inputs[repeated], off[:, epochs - 1], LEAST_SD)
    sd = np.exp(forest.predict(inputs[repeated])[:, 0])
    standard = off / sd[:, None]
    shape = np.sqrt((standard[:, :epochs] ** 2).mean(axis=0))
    ends = standard[:, [epochs - 1, -1]]
    sizes = float(np.sqrt((ends**2).sum(axis=0).prod()))
    correlation = float((ends[:, 0] * ends[:, 1]).sum()) / sizes if sizes else 0.0
    facts = {"correlation": round(correlation, 4), "cost": round(float(cost_off.std()), 4)}
    return {"noise_shape": shape, **forest.arrays("noise")}, facts
