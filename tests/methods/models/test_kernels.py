from __future__ import annotations

import numpy as np
import pytest

from methods.models.kernels import (
    Points,
    ProductKernel,
    from_log_size,
    indicator_basis,
    log_size,
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
