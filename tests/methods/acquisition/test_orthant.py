from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from methods.acquisition.orthant import orthants


def problems(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    A = rng.standard_normal((count, size, size))
    covariance = A @ A.transpose(0, 2, 1) + 0.1 * np.eye(size)
    return 1.5 * rng.standard_normal((count, size)), covariance


def test_one_dimension_is_exact() -> None:
    mean, variance = np.array([[-8.0], [-1.0], [0.0], [2.0]]), np.full((4, 1, 1), 4.0)
    found = orthants(mean, variance, 1e-12)
    z = mean[:, 0] / 2
    np.testing.assert_allclose(found.log_p, norm.logcdf(z), rtol=1e-9)
    np.testing.assert_allclose(
        found.slope[:, 0], np.exp(norm.logpdf(z) - norm.logcdf(z)) / 2, rtol=1e-6
    )


def test_independent_coordinates_are_exact() -> None:
    mean, variance = np.array([[1.0, -2.0, 0.3]]), np.array([0.5, 3.0, 1.0])
    found = orthants(mean, np.diag(variance)[None], 1e-12)
    assert found.log_p[0] == pytest.approx(norm.logcdf(mean[0] / np.sqrt(variance)).sum())


@pytest.mark.parametrize("size", [2, 5])
def test_close_to_scipys_orthants(size: int) -> None:
    mean, covariance = problems(6, size)
    found = orthants(mean, covariance)
    exact = [
        multivariate_normal(np.zeros(size), C, seed=0).cdf(m)
        for m, C in zip(mean, covariance, strict=True)
    ]
    np.testing.assert_allclose(np.exp(found.log_p), exact, rtol=0.05, atol=1e-4)


def test_slope_and_curvature_are_derivatives() -> None:
    mean, covariance = problems(3, 6)
    found = orthants(mean, covariance, 1e-11)
    for j in range(6):
        shift = 1e-4 * np.eye(6)[j]
        up, down = (orthants(mean + sign * shift, covariance, 1e-11) for sign in (1, -1))
        slope = (up.log_p - down.log_p) / 2e-4
        np.testing.assert_allclose(found.slope[:, j], slope, rtol=1e-5, atol=1e-8)
        # with fixed factors the curvature is nearly, not exactly, that of the evidence
        curvature = -(up.slope - down.slope) / 2e-4
        np.testing.assert_allclose(found.curvature[:, :, j], curvature, atol=0.04)


def test_derivative_by_the_covariance() -> None:
    mean, covariance = problems(3, 4)
    found = orthants(mean, covariance, 1e-11)
    direction = np.ones((4, 4)) + np.eye(4)
    up, down = (orthants(mean, covariance + e * direction, 1e-11) for e in (1e-5, -1e-5))
    by_covariance = 0.5 * (found.slope[:, :, None] * found.slope[:, None, :] - found.curvature)
    expected = (up.log_p - down.log_p) / 2e-5
    np.testing.assert_allclose((by_covariance * direction).sum(axis=(1, 2)), expected, rtol=1e-4)


def test_hopeless_and_nearly_singular_problems_stay_finite() -> None:
    mean = np.array([[-60.0, 5.0, -60.0]])
    covariance = np.ones((1, 3, 3)) + 1e-6 * np.eye(3)
    found = orthants(mean, covariance)
    for part in found:
        assert np.isfinite(part).all()
    assert found.log_p[0] < -1000
