from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from tasks.replay import fit_perceptrons
from tasks.replay.fit_perceptrons import MEMBERS, OPTIONS, fit

RNG = np.random.default_rng(0)
INPUTS = 3 + 5 * RNG.random((80, 3))
OUTPUTS = np.column_stack([
    100 + 20 * np.sin(INPUTS[:, 0]) + INPUTS[:, 1],
    0.1 * INPUTS[:, 1] ** 2,
    np.cos(INPUTS[:, 2]),
])  # fmt: skip


def test_members_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_perceptrons, "MEMBERS", 2)
    model = fit(INPUTS, OUTPUTS, [[0], [1], [2]])
    x = (INPUTS - INPUTS.mean(axis=0)) / INPUTS.std(axis=0)
    y = (OUTPUTS - OUTPUTS.mean(axis=0)) / OUTPUTS.std(axis=0)
    expected = np.zeros_like(OUTPUTS)
    for number in range(2):
        member = MLPRegressor(random_state=number, **OPTIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            member.fit(x, y)
        expected += member.predict(x) / 2
    expected = expected * OUTPUTS.std(axis=0) + OUTPUTS.mean(axis=0)
    np.testing.assert_allclose(model.predict(INPUTS), expected, atol=1e-3)


def test_it_learns_a_smooth_function_between_its_rows() -> None:
    model = fit(INPUTS[:60], OUTPUTS[:60], [[0, 1], [2]])
    assert len(model.first) == MEMBERS
    off = abs(model.predict(INPUTS[60:]) - OUTPUTS[60:])
    assert (np.median(off, axis=0) < 0.1 * OUTPUTS.std(axis=0).max()).all()


def test_constant_inputs_and_outputs_are_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_perceptrons, "MEMBERS", 1)
    inputs, outputs = np.column_stack([INPUTS, np.ones(80)]), np.full((80, 1), 7.0)
    assert fit(inputs, outputs, [[0]]).predict(inputs) == pytest.approx(7, abs=0.01)
