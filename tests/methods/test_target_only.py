"""The model-based methods that only train in full."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History
from methods.acquisition.representers import at_target
from methods.entropy_search import EntropySearch
from methods.expected_improvement import ExpectedImprovement, MarginalImprovement
from methods.references.gpy_ei import GPyEI

METHODS = [EntropySearch, ExpectedImprovement]
Build = type[EntropySearch] | type[ExpectedImprovement]


@pytest.mark.parametrize("build", [*METHODS, GPyEI])
def test_converges_at_the_target(
    build: Build | type[GPyEI], space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    method = build(space, fidelities)
    past = play(method, 15)
    assert {t.fidelity for t in past} == {1.0}
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.1
    assert abs(config["b"] - 0.6) < 0.1


@pytest.mark.parametrize("build", METHODS)
def test_recommends_the_lowest_posterior_mean(
    build: Build, space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    method = build(space, fidelities)
    past = play(method, 8)
    data = method._read(past)
    assert data is not None
    means = method._means_at_target(method._fit(data), data).mean(axis=0)
    config = method.recommend(past, np.random.default_rng(0))
    assert config == past.trials[int(means.argmin())].config


def test_improvement_is_the_mean_over_hyperparameters(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    """Against the integral that defines it; the mean is of the improvement, not of its log."""
    method = ExpectedImprovement(space, fidelities, hyper_samples=4)
    data = method._read(play(method, 8))
    assert data is not None
    model = method._fit(data).loss
    best = method._means_at_target(method._fit(data), data).min(axis=1)
    x = np.random.default_rng(0).random((6, 2))
    points = at_target(x, method.target_basis)
    mean, sd = model.mean(points), np.sqrt(model.variance(points))
    expected = np.zeros(6)
    for i in range(4):
        for j in range(6):
            m, d, b = mean[i, j], sd[i, j], best[i]
            expected[j] += quad(lambda f: (b - f) * norm.pdf(f, m, d), m - 12 * d, b)[0] / 4  # noqa: B023
    found = np.exp(MarginalImprovement(model, method.target_basis, best).value(x, np.ones(6)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-12)


def test_entropy_search_per_cost_prefers_cheap_configs(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    def evaluate(config: dict[str, float], s: float) -> tuple[float, float]:
        loss = 0.1 + (config["a"] - 0.5) ** 2
        return loss, float(np.exp(6 * config["b"]))

    spent = {}
    for per_cost in (False, True):
        past = play(EntropySearch(space, fidelities, per_cost=per_cost), 14, evaluate=evaluate)
        spent[per_cost] = sum(t.cost for t in past.trials[4:])
    assert spent[True] < 0.5 * spent[False]


def test_per_cost_is_true_or_false(space: Space, fidelities: Fidelities) -> None:
    with pytest.raises(ValueError, match=r"^method.per_cost=no: must be true or false$"):
        EntropySearch(space, fidelities, per_cost="no")  # type: ignore[arg-type]
