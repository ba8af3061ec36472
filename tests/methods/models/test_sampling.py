from __future__ import annotations

import numpy as np
import pytest

from methods.models.gp import Data, log_likelihood
from methods.models.kernels import Points, loss_basis
from methods.models.priors import standard_priors
from methods.models.sampling import ensemble, fit


def test_ensemble_samples_a_correlated_normal() -> None:
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    inverse = np.linalg.inv(covariance)
    rng = np.random.default_rng(0)
    walkers = rng.standard_normal((2000, 2)) + 3
    found = ensemble(lambda t: -0.5 * np.einsum("ij,jk,ik->i", t, inverse, t), walkers, 80, rng)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(np.cov(found.T), covariance, atol=0.15)


def data(n: int = 25) -> tuple[Points, np.ndarray]:
    rng = np.random.default_rng(1)
    x, u = rng.random((n, 2)), rng.random(n)
    y = np.sin(5 * x[:, 0]) + x[:, 1] + (1 - u) ** 2 + 0.05 * rng.standard_normal(n)
    return Points(x, loss_basis(u)), y


def test_forty_steps_from_the_mode_agree_with_a_long_chain() -> None:
    points, y = data()
    samples = fit(points, y, 200, np.random.default_rng(0))
    priors = standard_priors(samples.kernel)
    scaled = Data(points, (y - y.mean()) / y.std())

    def log_posterior(theta: np.ndarray) -> np.ndarray:
        value = priors.log_density(theta)
        inside = np.isfinite(value)
        value[inside] += log_likelihood(samples.kernel, theta[inside], scaled)
        return value

    start = priors.sample(np.random.default_rng(2), 200)
    long = ensemble(log_posterior, start, 1000, np.random.default_rng(3))
    spread = long.std(axis=0)
    assert (abs(samples.theta.mean(axis=0) - long.mean(axis=0)) < 0.4 * spread).all()
    ratio = samples.theta.std(axis=0) / spread
    assert (ratio > 0.6).all()
    assert (ratio < 1.6).all()


def test_a_fit_depends_on_its_stream_alone() -> None:
    points, y = data()
    first = fit(points, y, 6, np.random.default_rng(5)).theta
    again = fit(points, y, 6, np.random.default_rng(5)).theta
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("n", [1, 3])
def test_constant_targets(n: int) -> None:
    points, _ = data(n)
    model = fit(points, np.full(n, -0.7), 4, np.random.default_rng(0))
    np.testing.assert_allclose(model.mean(points), -0.7)
