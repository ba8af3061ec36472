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
from tasks.replay.curve_surrogate import inputs_of

COMPONENTS = 6
"""number of principal components of the loss curves"""
LEAST_SD = 1e-3
"""least sd of log loss over training seeds; keeps its logarithm finite"""


def fit(
    space: Space,
    columns: Mapping[str, NDArray[Any]],
    derived: Mapping[str, Mapping[str, float]],
    loss_floor: float,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Fit all families, and the noise, to all whole curves that are not held out.

    Args:
        space: search space.
        columns: the recorded columns of ``tasks.replay.curves.CURVES``.
        derived: additional inputs of the models; see ``tasks.replay.curve_surrogate.inputs_of``.
        loss_floor: lower losses are raised to this value before taking logarithms.

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
    tested = bool(np.isfinite(columns["test_loss"][rows]).all())
    loss, cost = (columns[name][rows] for name in ("loss", "cost"))
    test_loss = columns["test_loss"][rows] if tested else loss
    logs = np.log(np.maximum(np.hstack([loss, test_loss]), loss_floor))
    whole = np.log(cost[:, epochs - 1])

    recorded = np.column_stack([logs, whole])
    mean = logs.mean(axis=0)
    axes = np.linalg.svd(logs - mean, full_matrices=False)[2][:COMPONENTS]
    outputs = np.column_stack([(logs - mean) @ axes.T, whole - whole.mean()])
    basis = np.zeros((len(axes) + 1, 2 * epochs + 1))
    basis[:-1, :-1], basis[-1, -1] = axes, 1.0
    mean = np.append(mean, whole.mean())
    limits = np.stack([recorded.min(axis=0), recorded.max(axis=0)])
    if not tested:
        mean[epochs:-1] = limits[:, epochs:-1] = np.nan
    groups = [list(range(len(axes))), [len(axes)]]
    arrays: dict[str, NDArray[Any]] = {
        "mean": mean,
        "basis": basis,
        "cost_shape": np.median(cost[:, :epochs] / cost[:, epochs - 1 :][:, :1], axis=0),
        "recorded_range": limits,
    }
    for family in ("extra_trees", "boosting"):
        arrays |= ensembles.fit(family, inputs, outputs, groups).arrays(family)
    arrays |= fit_perceptrons.fit(inputs, outputs, groups).arrays("perceptrons")
    more, noise = _noise(columns["config"][rows], inputs, logs, whole)
    facts = {
        "derived": {name: dict(powers) for name, powers in derived.items()},
        "noise": noise,
        # clipping at the lowest recorded loss would turn all lower predictions into one plateau
        "losses": [loss_floor, float(np.exp(logs.max()))],
    }
    return arrays | more, facts


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
    correlation = float((ends[:, 0] * ends[:, 1]).sum() / np.sqrt((ends**2).sum(axis=0).prod()))
    facts = {"correlation": round(correlation, 4), "cost": round(float(cost_off.std()), 4)}
    return {"noise_shape": shape, **forest.arrays("noise")}, facts
