"""Fit, with scikit-learn, the tree ensembles that predict curves of unrecorded configs.

The two families are used by no method of this suite, so no method has the surrogate's own model:
extremely randomised trees (Geurts et al. 2006) and gradient boosting (Friedman 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor

from benchmarks.core.arrays import Array
from tasks.replay.forest import Forest

EXTRA_TREES: dict[str, Any] = {"n_estimators": 60, "min_samples_leaf": 2, "max_features": 1.0}
BOOSTING: dict[str, Any] = {
    "loss": "huber",  # squared loss extrapolates further below the recorded values
    "n_estimators": 200,
    "learning_rate": 0.05,
    "max_depth": 4,
    "subsample": 0.5,
    "min_samples_leaf": 5,
}


def fit(family: str, inputs: Array, outputs: Array, groups: Sequence[Sequence[int]]) -> Forest:
    """Fit an ensemble of one family.

    Args:
        family: ``extra_trees`` or ``boosting``.
        inputs: shape ``(n, features)``.
        outputs: shape ``(n, K)``.
        groups: columns of ``outputs`` that the same extremely randomised trees predict; boosting
            always fits separate trees for each column.
    """
    kinds = len(outputs[0])
    trees: list[tuple[Any, Sequence[int], float]] = []
    if family == "extra_trees":
        for group in groups:
            model = ExtraTreesRegressor(random_state=0, **EXTRA_TREES)
            model.fit(inputs, outputs[:, list(group)].squeeze())
            share = 1 / len(model.estimators_)
            trees += [(one.tree_, group, share) for one in model.estimators_]
        start = np.zeros(kinds)
    else:
        start = outputs.mean(axis=0)
        for column in range(kinds):
            booster = GradientBoostingRegressor(random_state=0, init="zero", **BOOSTING)
            booster.fit(inputs, outputs[:, column] - start[column])
            rate = booster.learning_rate
            trees += [(one.tree_, [column], rate) for one in booster.estimators_.ravel()]
    return _joined(trees, start)


def _joined(trees: Sequence[tuple[Any, Sequence[int], float]], start: Array) -> Forest:
    """Join scikit-learn's trees, each with its output columns and weight, into one forest."""
    first = np.cumsum([1] + [tree.node_count for tree, _, _ in trees])
    count = int(first[-1])
    itself = np.arange(count)
    feature, threshold = np.zeros(count, dtype=int), np.zeros(count)
    left, right, value = itself.copy(), itself.copy(), np.zeros((count, len(start)))
    value[0] = start  # the first tree is a single leaf
    for begin, (tree, columns, weight) in zip(first, trees, strict=False):
        nodes = slice(begin, begin + tree.node_count)
        inner = tree.children_left >= 0
        feature[nodes] = np.where(inner, tree.feature, 0)
        threshold[nodes] = np.where(inner, tree.threshold, 0)
        left[nodes] = np.where(inner, begin + tree.children_left, itself[nodes])
        right[nodes] = np.where(inner, begin + tree.children_right, itself[nodes])
        leaves = begin + np.flatnonzero(~inner)
        value[np.ix_(leaves, list(columns))] = weight * tree.value[~inner, :, 0]
    roots = np.append(0, first[:-1])
    arrays = {"feature": feature, "threshold": threshold, "left": left, "right": right}
    return Forest(**arrays, value=value.astype(np.float32), root=roots)


def fit_spread(inputs: Array, off: Array, least: float) -> Forest:
    """Fit the logarithm of the standard deviation of deviations ``off (n,)``.

    ``least`` is added in quadrature, so that the logarithm stays finite.
    """
    model = ExtraTreesRegressor(random_state=0, n_estimators=50, min_samples_leaf=10)
    model.fit(inputs, np.log(off**2 + least**2))
    trees = [(one.tree_, [0], 0.5 / len(model.estimators_)) for one in model.estimators_]
    # -1.27036 is the mean logarithm of a squared standard normal variable
    return _joined(trees, np.array([0.5 * 1.27036]))


def constant(value: Array) -> Forest:
    """Return a forest that predicts ``value (outputs,)`` for all inputs."""
    return _joined([], value)
