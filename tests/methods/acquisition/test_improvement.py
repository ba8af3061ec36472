from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from methods.acquisition.improvement import (
    log_expected_improvement,
    log_expected_improvement_gradient,
)


@pytest.mark.parametrize("mean", [-1.0, 0.3, 2.0])
def test_equals_the_integral(mean: float) -> None:
    expected, _ = quad(lambda f: (0.2 - f) * norm.pdf(f, mean, 0.7), -20, 0.2)
    found = log_expected_improvement(np.array([mean]), np.array([0.7]), 0.2)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-7)


def test_equals_emukits() -> None:
    pytest.importorskip("emukit")
    from emukit.bayesian_optimization.acquisitions.expected_improvement import (
        get_standard_normal_pdf_cdf,
    )

    mean, sd, best = np.linspace(-2, 2, 9), np.linspace(0.1, 1, 9), 0.1
    u, pdf, cdf = get_standard_normal_pdf_cdf(np.array(best), mean, sd)
    expected = sd * (u * cdf + pdf)
    np.testing.assert_allclose(
        np.exp(log_expected_improvement(mean, sd, best)), expected, rtol=1e-8
    )


def test_far_below_stays_finite_smooth_and_falling() -> None:
    z = -np.logspace(-1, 6, 400)
    value = log_expected_improvement(-z, np.ones_like(z), 0.0)
    assert np.isfinite(value).all()
    assert (np.diff(value) < 0).all()
    # log(pdf(z) / z^2) is the leading term.
    leading = -0.5 * z**2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(-z)
    np.testing.assert_allclose(value[200:], leading[200:], atol=2e-3)


def test_gradient() -> None:
    mean, sd, h = np.array([-1.0, 0.4, 3.0]), np.array([0.5, 0.2, 0.4]), 1e-6
    by_mean, by_sd = log_expected_improvement_gradient((0.1 - mean) / sd)
    up = log_expected_improvement(mean + h, sd, 0.1), log_expected_improvement(mean, sd + h, 0.1)
    down = log_expected_improvement(mean - h, sd, 0.1), log_expected_improvement(mean, sd - h, 0.1)
    np.testing.assert_allclose(by_mean / sd, (up[0] - down[0]) / (2 * h), rtol=1e-5)
    np.testing.assert_allclose(by_sd / sd, (up[1] - down[1]) / (2 * h), rtol=1e-5)
