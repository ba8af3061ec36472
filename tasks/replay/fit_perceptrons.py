"""Fit, with scikit-learn, the perceptrons that predict curves of unrecorded configs.

They are smooth where tree ensembles are step functions, and no method of this suite uses them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from benchmarks.core.arrays import Array
from tasks.replay.perceptrons import Perceptrons

MEMBERS = 8
OPTIONS: dict[str, Any] = {
    "hidden_layer_sizes": (48, 48),
    "activation": "tanh",
    "solver": "lbfgs",
    # 0.03, 0.1, 0.3, 1, 3 and 10 were compared by cross-validation over the configs of cars_head
    # that are not held out
    "alpha": 0.3,
    "max_iter": 300,
}
LEAST_SCALE = 1e-9
"""an input or output with a smaller standard deviation is constant, and is not divided by it"""


def fit(inputs: Array, outputs: Array, groups: Sequence[Sequence[int]]) -> Perceptrons:
    """Fit an ensemble, whose members differ in their initial weights.

    Inputs and outputs are standardised. A member that reaches the limit of iterations is used as
    it is: ``alpha`` keeps it from following the noise.

    Args:
        inputs: shape ``(n, features)``.
        outputs: shape ``(n, K)``.
        groups: columns of ``outputs`` that are divided by the same number, the largest of their
            standard deviations: for coordinates of curves, the squared error that is minimised is
            then that of the curves.
    """
    centre, scale = _standard(inputs)
    middle, spread = _standard(outputs)
    for group in groups:
        spread[list(group)] = spread[list(group)].max()
    members = []
    for number in range(MEMBERS):
        model = MLPRegressor(random_state=number, **OPTIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((inputs - centre) / scale, ((outputs - middle) / spread).squeeze())
        members.append(
            [np.vstack(layer) for layer in zip(model.coefs_, model.intercepts_, strict=True)]
        )
    first, second, last = (np.stack(layer) for layer in zip(*members, strict=True))
    last *= spread
    last[:, -1] += middle
    as_stored = [array.astype(np.float32) for array in (centre, scale, first, second, last)]
    return Perceptrons(*as_stored)


def _standard(values: Array) -> tuple[Array, Array]:
    """Return the means and standard deviations of the columns; 1 for a constant column."""
    deviations = values.std(axis=0)
    return values.mean(axis=0), np.where(deviations < LEAST_SCALE, 1.0, deviations)
