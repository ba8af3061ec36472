from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from methods.models.kernels import ProductKernel
from methods.models.priors import Horseshoe, Normal, standard_priors


def test_horseshoe_is_the_density_of_the_logarithm_of_a_variance() -> None:
    """Its integral over log v is the horseshoe's over v; without the Jacobian it diverges."""
    prior = Horseshoe(0.01)

    def density(theta: float) -> float:
        return float(np.exp(prior.log_density(np.array([theta]))[0]))

    over_log, _ = quad(density, prior.low, prior.high)
    over_v, _ = quad(lambda v: np.log1p(3 * (0.01 / v) ** 2), np.exp(prior.low), 1, limit=500)
    assert over_log == pytest.approx(over_v, rel=1e-4)


@pytest.mark.parametrize("prior", [Horseshoe(0.001), Normal(0.5, 2.0)])
def test_gradients(prior: Horseshoe | Normal) -> None:
    theta = np.linspace(prior.low + 0.1, prior.high - 0.1, 9)
    numeric = (prior.log_density(theta + 1e-6) - prior.log_density(theta - 1e-6)) / 2e-6
    np.testing.assert_allclose(prior.gradient(theta), numeric, atol=1e-6)


def test_samples_lie_in_the_box_and_outside_is_impossible() -> None:
    priors = standard_priors(ProductKernel(3))
    draws = priors.sample(np.random.default_rng(0), 200)
    assert draws.shape == (200, 7)
    assert np.isfinite(priors.log_density(draws)).all()
    assert priors.log_density(priors.high[None] + 0.1).tolist() == [-np.inf]
