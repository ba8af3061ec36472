from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from methods.models.gp import Data, Posterior, log_likelihood, log_likelihood_gradient
from methods.models.kernels import Points, ProductKernel, cost_basis, loss_basis, matern52
from methods.models.priors import standard_priors


def problem(rank: int, n: int = 15, width: int = 3) -> tuple[ProductKernel, np.ndarray, Data]:
    rng = np.random.default_rng(rank)
    kernel = ProductKernel(width, rank)
    u = rng.random(n)
    phi = loss_basis(u, (1, 2))[:, :rank]
    data = Data(Points(rng.random((n, width)), phi), rng.standard_normal(n))
    theta = rng.normal(-0.5, 0.3, (4, kernel.size + 1))
    theta[:, -1] = np.log([0.1, 0.01, 0.5, 0.001])
    return kernel, theta, data


def gpy_model(kernel: ProductKernel, theta: np.ndarray, data: Data) -> Any:
    """The same model built from GPy's parts: Matern52 on x times a linear kernel on ``L' phi``."""
    GPy = pytest.importorskip("GPy")
    psi = data.points.phi @ kernel.factor(theta[None])[0]
    width = kernel.width
    over_x = GPy.kern.Matern52(
        width, lengthscale=np.exp(theta[:width]), ARD=True, active_dims=list(range(width))
    )
    over_s = GPy.kern.Linear(psi.shape[1], active_dims=list(range(width, width + psi.shape[1])))
    inputs = np.hstack([data.points.x, psi])
    # GPy adds 1e-8 to the noise of its own accord.
    noise = np.exp(theta[-1]) - 1e-8
    return GPy.models.GPRegression(inputs, data.y[:, None], over_x * over_s, noise_var=noise)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_likelihood_and_posterior_equal_gpys(rank: int) -> None:
    kernel, theta, data = problem(rank)
    posterior = Posterior(kernel, theta, data)
    rng = np.random.default_rng(9)
    new = Points(rng.random((7, 3)), loss_basis(rng.random(7), (1, 2))[:, :rank])
    mean, variance = posterior.mean(new), posterior.variance(new)
    covariance = posterior.covariance(new, new)
    likelihood = log_likelihood(kernel, theta, data)
    for i, one in enumerate(theta):
        model = gpy_model(kernel, one, data)
        inputs = np.hstack([new.x, new.phi @ kernel.factor(one[None])[0]])
        expected, full = model.predict_noiseless(inputs, full_cov=True)
        assert likelihood[i] == pytest.approx(model.log_likelihood(), abs=1e-8)
        np.testing.assert_allclose(mean[i], expected[:, 0], atol=1e-8)
        np.testing.assert_allclose(covariance[i], full, atol=1e-8)
        np.testing.assert_allclose(variance[i], np.diag(full), atol=1e-8)


def test_gradient_is_that_of_finite_differences() -> None:
    for rank, diagonal in ((1, False), (2, False), (3, False), (3, True)):
        kernel, theta, data = problem(rank)
        if diagonal:
            kernel = ProductKernel(kernel.width, rank, diagonal=True)
            theta = np.delete(theta, slice(kernel.size, -1), axis=1)
        for one in theta:
            value, gradient = log_likelihood_gradient(kernel, one, data)
            assert value == pytest.approx(log_likelihood(kernel, one[None], data)[0], abs=1e-9)
            steps = 1e-5 * np.eye(len(one))
            up, down = (log_likelihood(kernel, one + sign * steps, data) for sign in (1, -1))
            np.testing.assert_allclose(gradient, (up - down) / 2e-5, rtol=1e-5, atol=1e-6)


def test_covariance_is_symmetric_and_bounded_by_the_prior() -> None:
    """Emukit's FabolasModel returned covariances of 3e6 where 0.07 was right."""
    kernel, theta, data = problem(2)
    posterior = Posterior(kernel, theta, data)
    rng = np.random.default_rng(3)
    a = Points(rng.random((6, 3)), loss_basis(np.ones(6)))
    b = Points(rng.random((5, 3)), loss_basis(rng.random(5)))
    np.testing.assert_allclose(
        posterior.covariance(a, b), posterior.covariance(b, a).transpose(0, 2, 1), atol=1e-12
    )
    prior = kernel.variance(theta, a)
    assert (posterior.variance(a) <= prior + 1e-12).all()
    root = np.sqrt(posterior.variance(a)[:, :, None] * posterior.variance(b)[:, None, :])
    assert (abs(posterior.covariance(a, b)) <= root + 1e-9).all()


def test_predictions_are_in_the_units_of_the_targets() -> None:
    kernel, theta, data = problem(2)
    plain = Posterior(kernel, theta, data)
    moved = Posterior(kernel, theta, data, offset=-3.0, scale=2.0)
    np.testing.assert_allclose(moved.mean(data.points), 2 * plain.mean(data.points) - 3)
    np.testing.assert_allclose(moved.variance(data.points), 4 * plain.variance(data.points))


def test_bases_at_the_target() -> None:
    np.testing.assert_array_equal(loss_basis(np.array([0.0, 0.5, 1.0]))[:, 1], [1, 0.25, 0])
    np.testing.assert_array_equal(
        loss_basis(np.array([0.5, 1.0]), (1, 2)), [[1, 0.5, 0.25], [1, 0, 0]]
    )
    np.testing.assert_array_equal(cost_basis(np.array([0.0, 1.0])), [[1, 0], [1, 1]])


def test_matern_at_zero_and_far() -> None:
    np.testing.assert_allclose(matern52(np.array([0.0, 1e6])), [1, 0], atol=1e-12)


def test_worst_corner_of_the_priors_is_still_positive_definite() -> None:
    """Five hundred duplicates at the largest amplitude and the smallest noise."""
    kernel = ProductKernel(2)
    priors = standard_priors(kernel)
    theta = priors.high[None].copy()
    theta[0, -1] = priors.low[-1]
    data = Data(Points(np.full((500, 2), 0.3), loss_basis(np.zeros(500))), np.ones(500))
    assert np.isfinite(log_likelihood(kernel, theta, data)).all()
    assert np.isfinite(Posterior(kernel, theta, data).mean(data.points)).all()


def further(kernel: ProductKernel, rank: int, count: int = 5) -> Points:
    rng = np.random.default_rng(11)
    return Points(rng.random((count, 3)), loss_basis(rng.random(count), (1, 2))[:, :rank])


@pytest.mark.parametrize("rank", [1, 3])
def test_believing_the_mean_changes_no_mean_and_shrinks_variances(rank: int) -> None:
    kernel, theta, data = problem(rank)
    posterior = Posterior(kernel, theta, data, offset=-3.0, scale=2.0)
    pending, new = further(kernel, rank), further(kernel, rank, 40)
    conditioned = posterior.condition_on(pending, posterior.mean(pending))
    np.testing.assert_allclose(conditioned.mean(new), posterior.mean(new), atol=1e-8)
    np.testing.assert_allclose(
        conditioned.mean(data.points), posterior.mean(data.points), atol=1e-8
    )
    assert (conditioned.variance(new) <= posterior.variance(new) + 1e-8).all()
    before, after = posterior.variance(pending), conditioned.variance(pending)
    # alone, an observation with noise leaves variance * noise / (variance + noise); others help
    left = before * posterior.noise[:, None] / (before + posterior.noise[:, None])
    assert (after <= left + 1e-8).all()
    assert (after < 0.9 * before).all()


@pytest.mark.parametrize("rank", [1, 3])
def test_rows_added_to_the_factor_equal_a_new_factor(rank: int) -> None:
    kernel, theta, data = problem(rank)
    posterior = Posterior(kernel, theta, data, offset=-3.0, scale=2.0)
    pending, new = further(kernel, rank), further(kernel, rank, 20)
    y = np.random.default_rng(1).standard_normal((len(theta), 5))
    conditioned = posterior.condition_on(pending, y)
    anew = Posterior(kernel, theta, conditioned.data, offset=-3.0, scale=2.0)
    twice = posterior.condition_on(Points(pending.x[:2], pending.phi[:2]), y[:, :2]).condition_on(
        Points(pending.x[2:], pending.phi[2:]), y[:, 2:]
    )
    for other in (anew, twice):
        np.testing.assert_allclose(conditioned.root, other.root, atol=1e-8)
        np.testing.assert_allclose(conditioned.mean(new), other.mean(new), atol=1e-8)
        np.testing.assert_allclose(
            conditioned.mean(new, conditioned.project(new)), other.mean(new), atol=1e-8
        )
        np.testing.assert_allclose(
            conditioned.covariance(new, new), other.covariance(new, new), atol=1e-8
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_further_observations_equal_gpys(rank: int) -> None:
    kernel, theta, data = problem(rank)
    pending, new = further(kernel, rank), further(kernel, rank, 20)
    y = np.random.default_rng(1).standard_normal((len(theta), 5))
    conditioned = Posterior(kernel, theta, data).condition_on(pending, y)
    mean, covariance = conditioned.mean(new), conditioned.covariance(new, new)
    for i, one in enumerate(theta):
        x, phi = (np.concatenate(pair) for pair in zip(data.points, pending, strict=True))
        model = gpy_model(kernel, one, Data(Points(x, phi), np.concatenate([data.y, y[i]])))
        inputs = np.hstack([new.x, new.phi @ kernel.factor(one[None])[0]])
        expected, full = model.predict_noiseless(inputs, full_cov=True)
        np.testing.assert_allclose(mean[i], expected[:, 0], atol=1e-8)
        np.testing.assert_allclose(covariance[i], full, atol=1e-8)


def test_many_pending_at_one_place_can_be_believed() -> None:
    """The worst corner of the priors, as below, and 200 workers at one point."""
    kernel = ProductKernel(2)
    priors = standard_priors(kernel)
    theta = priors.high[None].copy()
    theta[0, -1] = priors.low[-1]
    data = Data(Points(np.full((100, 2), 0.3), loss_basis(np.zeros(100))), np.ones(100))
    posterior = Posterior(kernel, theta, data)
    pending = Points(np.full((200, 2), 0.3), loss_basis(np.zeros(200)))
    conditioned = posterior.condition_on(pending, posterior.mean(pending))
    np.testing.assert_allclose(conditioned.mean(pending), posterior.mean(pending), atol=1e-6)
