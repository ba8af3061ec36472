from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.acquisition.representers import at_target
from methods.fabolas import Fabolas
from methods.targets import read_targets


def test_recommends_the_lowest_posterior_mean_at_the_target(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    """Not the lowest at the smallest subset, nor at a basis of 50,000 (papers.md R1, E2)."""
    method = Fabolas(space, fidelities)
    past = play(method, 16)
    targets = read_targets(past, space)
    assert targets is not None
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    models = method._fit(targets)
    means = models.log_loss.mean(at_target(targets.x, method.target_basis)).mean(axis=0)
    here = models.log_loss.mean(at_target(space.encode(config)[None], method.target_basis)).mean()
    np.testing.assert_allclose(here, means.min(), rtol=1e-9)


def test_finds_the_optimum_at_the_target_for_a_fraction_of_its_cost(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    """The bowl's optimum is at (0.3, 0.6) at the target and at (0.5, 0.6) at 1/512."""
    method = Fabolas(space, fidelities)
    past = play(method, 30)
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.07
    assert abs(config["b"] - 0.6) < 0.1
    assert sum(t.cost for t in past) < 12


def test_small_subsets_first(space: Space, fidelities: Fidelities) -> None:
    method = Fabolas(space, fidelities)
    history = History()
    for number in range(10):
        chosen = method.suggest(history, np.random.default_rng(number))
        trial = Trial(number, chosen.config, chosen.fidelity, 0.5, 1.0, "ok", chosen.note)
        history = history.append(trial)
    shares = [1 / t.fidelity for t in history]
    assert shares == [64, 32, 16, 8, 64, 32, 16, 8, 64, 32]
