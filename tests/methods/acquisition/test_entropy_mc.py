from __future__ import annotations

import numpy as np
import pytest

from methods.acquisition.entropy_mc import MonteCarloEntropy
from methods.acquisition.representer_posterior import RepresenterPosterior
from methods.acquisition.representers import at_target
from methods.models.gp import Data, Posterior
from methods.models.kernels import Points, ProductKernel, loss_basis
from support.models import BASIS, entropy, model


def p_min(posterior: Posterior, places: Points, normals: np.ndarray) -> np.ndarray:
    covariance = posterior.covariance(places, places)[0]
    root = np.linalg.cholesky(covariance + 1e-8 * np.eye(len(covariance)))
    samples = posterior.mean(places)[0] + normals @ root.T
    return np.bincount(samples.argmin(axis=1), minlength=len(covariance)) / len(normals)


def refit_gain(posterior: Posterior, places: Points, point: Points) -> float:
    """Gain by brute force: append every outcome to the data, condition anew, draw again."""
    normals = np.random.default_rng(0).standard_normal((40_000, len(places.x)))
    before = entropy(p_min(posterior, places, normals))
    mean, variance = posterior.mean(point)[0, 0], posterior.variance(point)[0, 0]
    sd = np.sqrt(variance + posterior.noise[0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    after = []
    for node in nodes:
        old = posterior.data
        x = np.concatenate([old.points.x, point.x])
        phi = np.concatenate([old.points.phi, point.phi])
        data = Data(Points(x, phi), np.append(old.y, mean + sd * node))
        refit = Posterior(posterior.kernel, posterior.theta, data)
        after.append(entropy(p_min(refit, places, normals)))
    return before - float(weights @ np.array(after) / weights.sum())


@pytest.mark.parametrize("noise", [0.1, 0.001])
def test_gain_equals_that_of_refitting(noise: float) -> None:
    posterior = model(noise)
    rng = np.random.default_rng(1)
    representers = rng.random((1, 12, 2))
    places = at_target(representers[0], BASIS)
    found = MonteCarloEntropy(
        RepresenterPosterior(posterior, representers, BASIS), 4096, 33, np.random.default_rng(2)
    )
    x = np.concatenate([representers[0, :4], rng.random((4, 2))])
    points = Points(x, loss_basis(np.array([1.0, 0.8, 0.3, 0.0] * 2)))
    expected = np.array(
        [refit_gain(posterior, places, Points(points.x[[i]], points.phi[[i]])) for i in range(8)]
    )
    gain, screen = found.gain(points)[0], found.screen(points)[0]
    np.testing.assert_allclose(gain, expected, rtol=0.08, atol=0.015)
    # The screen is a lower bound, and a close one where gains are small.
    assert (screen < expected + 0.02).all()
    assert np.corrcoef(screen, expected)[0, 1] > 0.97


def test_p_min_equals_that_of_plain_draws() -> None:
    posterior = model()
    representers = np.random.default_rng(1).random((1, 10, 2))
    found = MonteCarloEntropy(
        RepresenterPosterior(posterior, representers, BASIS), 8192, 33, np.random.default_rng(2)
    )
    normals = np.random.default_rng(3).standard_normal((200_000, 10))
    expected = p_min(posterior, at_target(representers[0], BASIS), normals)
    np.testing.assert_allclose(found.p_min[0], expected, atol=0.02)


def test_nothing_is_learnt_from_an_observation_that_is_all_noise() -> None:
    posterior = model()
    drowned = Posterior(
        posterior.kernel, posterior.theta + np.array([0, 0, 0, 0, 0, 25]), posterior.data
    )
    representers = np.random.default_rng(1).random((1, 10, 2))
    found = MonteCarloEntropy(
        RepresenterPosterior(drowned, representers, BASIS), 512, 33, np.random.default_rng(2)
    )
    points = Points(np.random.default_rng(3).random((5, 2)), loss_basis(np.linspace(0, 1, 5)))
    assert (abs(found.gain(points)) < 1e-4).all()
    assert (abs(found.screen(points)) < 1e-4).all()


def test_representers_may_coincide() -> None:
    representers = np.tile(np.random.default_rng(1).random((1, 2, 2)), (1, 6, 1))
    found = MonteCarloEntropy(
        RepresenterPosterior(model(), representers, BASIS), 256, 33, np.random.default_rng(2)
    )
    points = Points(representers[0], loss_basis(np.ones(12)))
    assert np.isfinite(found.gain(points)).all()
    assert np.isfinite(found.screen(points)).all()


def test_moving_all_representers_together_tells_nothing_about_the_minimiser() -> None:
    """Chance correlations of few draws must not look like information: cheap points would win."""
    kernel = ProductKernel(2)
    theta = np.array([[0.5, 0.5, 0.0, 0.0, -2.0, np.log(0.01)]])
    rng = np.random.default_rng(5)
    far = Data(Points(rng.random((3, 2)) + 4, loss_basis(np.ones(3))), rng.standard_normal(3))
    angle = 2 * np.pi * np.arange(30) / 30
    ring = 0.5 + 0.02 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    centre = Points(np.full((1, 2), 0.5), loss_basis(np.ones(1)))
    posterior = Posterior(kernel, theta, far)
    gain, screen = [], []
    for seed in range(20):
        found = MonteCarloEntropy(
            RepresenterPosterior(posterior, ring[None], BASIS), 512, 33, np.random.default_rng(seed)
        )
        gain.append(found.gain(centre)[0, 0])
        screen.append(found.screen(centre)[0, 0])
    assert abs(np.mean(gain)) < 0.005
    assert abs(np.mean(screen)) < 0.005
