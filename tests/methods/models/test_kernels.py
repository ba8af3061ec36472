from __future__ import annotations

import numpy as np
import pytest

from methods.models.gp import Data, log_likelihood, log_likelihood_gradient
from methods.models.kernels import (
    Points,
    ProductKernel,
    SmoothKernel,
    from_log_size,
    indicator_basis,
    log_size,
    matern52,
)


def test_log_size_maps_the_interval_to_the_unit_interval_and_back() -> None:
    s = np.array([1 / 512, 1 / 64, 0.5, 1.0])
    u = log_size(s, 1 / 512)
    np.testing.assert_allclose(u, [0, 3 / 9, 8 / 9, 1])
    np.testing.assert_allclose(from_log_size(u, 1 / 512), s)
    assert from_log_size(np.array([0.0, 1.0]), 1 / 512).tolist() == [1 / 512, 1]


def test_only_the_target() -> None:
    assert log_size(np.ones(2), 1.0).tolist() == [1, 1]
    assert from_log_size(np.array([0.0, 0.4]), 1.0).tolist() == [1, 1]


@pytest.mark.filterwarnings("ignore")
def test_an_indicator_basis_makes_the_kernel_of_intrinsic_coregionalisation() -> None:
    """GPy's ``Coregionalize`` times ``Matern52``, entry by entry."""
    GPy = pytest.importorskip("GPy")
    rng = np.random.default_rng(0)
    values = (0.1, 0.5, 1.0)
    s = rng.choice(values, 12)
    x = rng.random((12, 2))
    kernel = ProductKernel(2, 3)
    theta = rng.normal(0, 0.5, (1, kernel.size))
    L = kernel.factor(theta)[0]
    over_x = GPy.kern.Matern52(2, lengthscale=np.exp(theta[0, :2]), ARD=True)
    tasks = GPy.kern.Coregionalize(1, 3, rank=3, W=L, kappa=np.zeros(3), active_dims=[2])
    inputs = np.column_stack([x, [values.index(one) for one in s]])
    points = Points(x, indicator_basis(s, values))
    expected = (over_x * tasks).K(inputs)
    np.testing.assert_allclose(kernel.covariance(theta, points, points)[0], expected, atol=1e-10)


def test_a_diagonal_sigma_has_one_hyperparameter_a_basis_function() -> None:
    kernel = ProductKernel(2, 3, diagonal=True)
    assert kernel.size == 5
    theta = np.log(np.array([[1.0, 1.0, 2.0, 3.0, 4.0]]))
    np.testing.assert_allclose(kernel.factor(theta)[0], np.diag([2, 3, 4]))


def smooth(costs: tuple[float, ...] = (0.1, 0.5, 1.0)) -> tuple[SmoothKernel, np.ndarray, Points]:
    rng = np.random.default_rng(0)
    kernel = SmoothKernel(2, len(costs), costs=costs)
    theta = np.column_stack([
        rng.normal(-0.5, 0.3, (4, 2)),
        rng.normal(0, 0.5, 4),
        np.log(rng.uniform(0.43, 1.01, 4)),
        np.log([0.1, 0.01, 0.5, 0.001]),
    ])  # fmt: skip
    phi = np.eye(len(costs))[rng.integers(len(costs), size=14)]
    return kernel, theta, Points(rng.random((14, 2)), phi)


def test_smooth_over_costs_is_a_squared_exponential() -> None:
    kernel, theta, points = smooth()
    found = kernel.covariance(theta, points, points)
    cost = points.phi @ np.array([0.1, 0.5, 1.0])
    for i, one in enumerate(theta):
        r2 = (np.square(points.x[:, None] - points.x[None]) / np.exp(2 * one[:2])).sum(axis=2)
        over_cost = np.exp(-0.5 * np.subtract.outer(cost, cost) ** 2 / np.exp(2 * one[3]))
        expected = np.exp(2 * one[2]) * matern52(r2.copy()) * over_cost
        np.testing.assert_allclose(found[i], expected, atol=1e-7)
    np.testing.assert_allclose(
        kernel.variance(theta, points), np.exp(2 * theta[:, 2:3]) * np.ones(14), rtol=1e-7
    )


def test_gradient_of_the_smooth_kernel_is_that_of_finite_differences() -> None:
    kernel, theta, points = smooth()
    data = Data(points, np.random.default_rng(1).standard_normal(14))
    for one in theta:
        value, gradient = log_likelihood_gradient(kernel, one, data)
        assert value == pytest.approx(log_likelihood(kernel, one[None], data)[0], abs=1e-8)
        steps = 1e-5 * np.eye(len(one))
        up, down = (log_likelihood(kernel, one + sign * steps, data) for sign in (1, -1))
        np.testing.assert_allclose(gradient, (up - down) / 2e-5, rtol=1e-5, atol=1e-6)


def test_costs_that_are_close_together_leave_a_factor() -> None:
    kernel, theta, _ = smooth(tuple(np.arange(1, 36) / 35))
    assert np.isfinite(kernel.factor(theta)).all()
