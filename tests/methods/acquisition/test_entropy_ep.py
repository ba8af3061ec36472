from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from methods.acquisition.entropy_ep import EPEntropy, minimisers
from methods.acquisition.entropy_mc import MonteCarloEntropy
from methods.acquisition.representer_posterior import RepresenterPosterior
from methods.models.kernels import Points, loss_basis
from support.models import BASIS, entropy, model


def joint(representers: int, noise: float = 0.01) -> RepresenterPosterior:
    places = np.random.default_rng(1).random((1, representers, 2))
    return RepresenterPosterior(model(noise), places, BASIS)


@pytest.mark.parametrize("representers", [12, 50])
def test_p_min_equals_that_of_a_million_draws(representers: int) -> None:
    about = joint(representers)
    found = EPEntropy(about, 33).p_min[0]
    root = np.linalg.cholesky(about.covariance[0])
    rng, counts = np.random.default_rng(0), np.zeros(representers)
    for _ in range(20):
        draws = about.mean[0] + rng.standard_normal((50_000, representers)) @ root.T
        counts += np.bincount(draws.argmin(axis=1), minlength=representers)
    np.testing.assert_allclose(found, counts / 1e6, atol=0.02)


def test_an_observations_effect_on_log_p_min_is_that_of_a_new_run() -> None:
    """The expansion against EP at the changed mean and covariance, for a small change."""
    about = joint(10)
    mean, covariance = about.mean[0], about.covariance[0]
    before = minimisers(mean, covariance)
    point = Points(np.array([[0.4, 0.5]]), loss_basis(np.array([0.7])))
    b = 0.05 * about.response(point)[0, :, 0]
    for w in (-1.5, 0.7):
        after = minimisers(mean + w * b, covariance - np.outer(b, b))
        a = before.slope @ b
        q = np.einsum("rst,s,t->r", before.curvature, b, b)
        change = a * w - 0.5 * a * a + 0.5 * q * (1 - w * w)
        np.testing.assert_allclose(change, after.log_p - before.log_p, atol=2e-3)


def test_both_entropies_rank_candidates_alike_and_the_expansion_is_low_where_gains_are_large() -> (
    None
):
    """Hennig & Schuler's bias, 0.46 to 0.78 where the gain is largest (gp_speed.md 5h)."""
    about = joint(20)
    rng = np.random.default_rng(2)
    points = Points(rng.random((200, 2)), loss_basis(rng.random(200)))
    propagated = EPEntropy(about, 33)
    sampled = MonteCarloEntropy(about, 8192, 33, rng)
    assert propagated.entropy[0] == pytest.approx(sampled.entropy[0], abs=0.05)
    low, exact = propagated.gain(points)[0], sampled.gain(points)[0]
    assert spearmanr(low, exact).statistic > 0.97
    ratio = (low / exact)[np.argsort(-exact)[:10]]
    assert ((ratio > 0.3) & (ratio < 0.85)).all()
    np.testing.assert_array_equal(propagated.screen(points)[0], low)


def test_few_weighted_innovations_do_better_than_the_papers_400_quantiles() -> None:
    """The gain with 33, and with 11, against 4,001; the code's quantiles are of equal weight."""
    about = joint(12)
    rng = np.random.default_rng(2)
    points = Points(rng.random((50, 2)), loss_basis(rng.random(50)))
    exact = EPEntropy(about, 4001).gain(points)
    quantiles = EPEntropy(about, 400)

    quantiles._nodes = norm.ppf(np.linspace(1 / 401, 400 / 401, 400))
    quantiles._weights = np.full(400, 1 / 400)
    error = {
        name: abs(found.gain(points) - exact).max()
        for name, found in (
            ("400", quantiles),
            ("33", EPEntropy(about, 33)),
            ("11", EPEntropy(about, 11)),
        )
    }
    assert error["33"] < error["400"]
    assert error["11"] < error["400"]


def test_the_entropy_of_one_sample_by_hand() -> None:
    found = EPEntropy(joint(6), 33)
    assert found.p_min.sum() == pytest.approx(1)
    assert found.entropy[0] == pytest.approx(entropy(found.p_min[0]))
