from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.acquisition.representers import at_target
from methods.fabolas import Fabolas
from methods.models.training_data import training_data


def test_recommends_the_lowest_posterior_mean_at_the_target(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    """Not the lowest at the smallest subset, nor at a basis of 50,000."""
    method = Fabolas(space, fidelities)
    past = play(method, 16)
    data = training_data(past, space)
    assert data is not None
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    models = method._fit(data)
    means = models.loss.mean(at_target(data.x, method.target_basis)).mean(axis=0)
    here = models.loss.mean(at_target(space.encode(config)[None], method.target_basis)).mean()
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


def test_the_basis_is_one_at_the_target_whatever_it_is_on(
    space: Space, fidelities: Fidelities
) -> None:
    s = np.array([1 / 512, 0.5, 1.0])
    on_log = Fabolas(space, fidelities, loss_powers=[2])
    np.testing.assert_allclose(on_log.loss_basis(s)[:, 1], [1, (1 / 9) ** 2, 0], atol=1e-12)
    on_share = Fabolas(space, fidelities, loss_powers=[2], basis_on="fidelity")
    np.testing.assert_allclose(on_share.loss_basis(s)[:, 1], (1 - s) ** 2)
    assert on_share.cost_basis is not None
    np.testing.assert_allclose(on_share.cost_basis(s)[:, 1], s)
    np.testing.assert_array_equal(on_share.target_basis, [1, 0])


def test_sigma_phi_diagonal_or_full(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    for sigma_phi, size in (("full", 2 + 6), ("diagonal", 2 + 3)):
        method = Fabolas(space, fidelities, sigma_phi=sigma_phi)
        data = method._read(play(method, 10))
        assert data is not None
        models = method._fit(data)
        assert models.loss.kernel.size == size
        assert models.log_cost is not None
        assert models.log_cost.kernel.diagonal == (sigma_phi == "diagonal")


def test_the_journal_versions_design(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    shares = [1 / 128] * 8 + [1 / 64] * 4 + [1 / 32] * 2 + [1 / 4]
    method = Fabolas(space, fidelities, initial_design="journal", initial_configs="random")
    past = play(method, 15)
    assert [t.fidelity for t in past] == shares
    assert all(not t.note for t in past)


def test_a_design_of_ones_own(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    past = play(Fabolas(space, fidelities, initial_design=[1.0, 1 / 4]), 2)
    assert [t.fidelity for t in past] == [1.0, 1 / 4]


def test_other_incumbents(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    past = play(Fabolas(space, fidelities), 12)
    rng = np.random.default_rng(0)
    assert past.best_seen is not None
    seen = Fabolas(space, fidelities, incumbent="best_seen").recommend(past, rng)
    assert seen == past.best_seen.config
    at_target = Fabolas(space, fidelities, incumbent="best_at_target")
    assert at_target.recommend(History(past.trials[:10]), rng) is None
    last = replace(past.trials[-1], fidelity=1.0)
    assert at_target.recommend(History([*past.trials[:-1], last]), rng) == last.config


def test_a_measured_overhead_makes_dear_evaluations_worth_their_while(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    past = play(Fabolas(space, fidelities), 14)
    slow = History([*past.trials[:-1], replace(past.trials[-1], overhead=1000.0)], past.loss_floor)
    measured = Fabolas(space, fidelities, overhead_in_cost="measured")
    fixed = Fabolas(space, fidelities, overhead_in_cost=1000.0)
    assert not measured.reproducible
    assert fixed.reproducible
    chosen = measured.suggest(slow, np.random.default_rng(0))
    assert chosen == fixed.suggest(past, np.random.default_rng(0))
    # With 1000 s added to any cost, the gain alone counts, and small subsets tell little.
    bought = [
        np.mean([measured.suggest(h, np.random.default_rng(i)).fidelity for i in range(6)])
        for h in (past, slow)
    ]
    assert bought[1] > 2 * bought[0]


CHOICES = [
    "sigma_phi",
    "basis_on",
    "initial_configs",
    "initial_design",
    "incumbent",
    "entropy",
    "overhead_in_cost",
]


@pytest.mark.parametrize("option", CHOICES)
def test_choices_are_checked(option: str, space: Space, fidelities: Fidelities) -> None:
    with pytest.raises(ValueError, match=f"^method.{option}=other: allowed are "):
        Fabolas(space, fidelities, **{option: "other"})
