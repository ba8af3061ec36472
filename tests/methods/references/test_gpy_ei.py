from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History
from methods.acquisition.improvement import log_expected_improvement
from methods.models.training_data import training_data
from methods.references.gpy_ei import GPyEI, climb, fit_gpy, predict


def test_climbing_improves_and_its_gradient_is_right(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    data = training_data(play(GPyEI(space, fidelities), 8), space)
    assert data is not None
    model = fit_gpy(data, 2)
    best = float(predict(model, data.x)[0].min())

    def score(x: np.ndarray) -> float:
        return float(log_expected_improvement(*predict(model, x[None]), best)[0])

    for start in np.random.default_rng(0).random((5, 2)):
        end = climb(model, start, best)
        assert score(end) >= score(start) - 1e-9
        inside = (end > 1e-6) & (end < 1 - 1e-6)
        for i in np.flatnonzero(inside):
            step = 1e-4 * np.eye(2)[i]
            assert score(end + step) - score(end - step) == pytest.approx(0, abs=1e-2)


def test_variances_are_never_negative_without_noise(space: Space) -> None:
    from methods.models.training_data import TrainingData

    x = np.random.default_rng(0).random((25, 2))
    y = np.sin(3 * x).sum(axis=1)
    ones = np.ones(25)
    model = fit_gpy(TrainingData(({},) * 25, x, ones, y, 0 * ones, ones == 1), 2)
    mean, sd = predict(model, np.concatenate([x, np.random.default_rng(1).random((500, 2))]))
    assert np.isfinite(mean).all()
    assert (sd > 0).all()
