"""On data drawn from the model's own prior, its uncertainty is what it says."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from methods.models.kernels import Points, ProductKernel, loss_basis
from methods.models.priors import standard_priors
from methods.models.sampling import fit

SETS = 60


def test_intervals_cover_and_hyperparameters_are_bracketed() -> None:
    """90 % intervals of held-out values, and of the hyperparameters, over data sets of 30."""
    kernel = ProductKernel(2)
    priors = standard_priors(kernel)
    levels, ranks = [], []
    for seed in range(SETS):
        rng = np.random.default_rng(seed)
        theta = priors.sample(rng, 1)
        points = Points(rng.random((60, 2)), loss_basis(rng.random(60)))
        covariance = kernel.covariance(theta, points, points)[0] + 1e-9 * np.eye(60)
        f = np.linalg.cholesky(covariance) @ rng.standard_normal(60)
        y = f + np.exp(theta[0, -1] / 2) * rng.standard_normal(60)
        train = Points(points.x[:30], points.phi[:30])
        held = Points(points.x[30:], points.phi[30:])
        model = fit(train, y[:30], 24, rng)
        sd = np.sqrt(model.variance(held))
        levels.append(norm.cdf((f[30:] - model.mean(held)) / np.maximum(sd, 1e-9)).mean(axis=0))
        ranks.append((model.theta[:, :2] < theta[0, :2]).mean(axis=0))
    inside = np.mean([(level > 0.05) & (level < 0.95) for level in levels])
    assert 0.85 < inside < 0.95
    bracketed = np.mean([(rank > 0) & (rank < 1) for rank in ranks])
    # Standardising the targets takes the data a little out of the prior.
    assert bracketed > 0.75
