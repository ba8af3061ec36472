from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from benchmarks.core.space import Categorical, Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.models.kernels import Points
from methods.multitask import Multitask
from support.parallel import started

TALK = Fidelities(values=(4 / 35, 18 / 35, 1.0), nominal=(0.1, 0.5, 1.0), full=35)
Play = Callable[..., History]


def test_fidelities_are_drawn_by_what_they_are_said_to_cost(space: Space, play: Play) -> None:
    """exp(-cost), normalised: 0.481, 0.323 and 0.196."""
    method = Multitask(space, TALK, hyper_samples=2, mcmc_steps=1, candidates=4)
    assert method.probabilities == pytest.approx([0.481, 0.323, 0.196], abs=5e-4)
    past = play(method, 6)
    drawn = Counter(
        method.suggest(past, np.random.default_rng(seed)).fidelity for seed in range(600)
    )
    for share, p in zip(TALK.values or (), method.probabilities, strict=True):
        assert abs(drawn[share] - 600 * p) < 4 * np.sqrt(600 * p * (1 - p))


def test_the_initial_phase_is_quasi_random_at_uniform_fidelities(space: Space) -> None:
    method = Multitask(space, TALK)
    assert method.initial_trials == 4
    seven = Space({f"x{i}": space.parameters["a"] for i in range(7)})
    assert Multitask(seven, TALK).initial_trials == 14
    assert Multitask(space, TALK, initial_trials=9).initial_trials == 9
    history = History((), loss_floor=1e-4)
    for number in range(64):  # nothing ends, so the phase goes on
        history = started(history, method.suggest(history, np.random.default_rng(number)))
    for name in space.names:  # a Sobol set: four points in each sixteenth
        assert Counter(int(16 * t.config[name]) for t in history) == dict.fromkeys(range(16), 4)
    drawn = Counter(t.fidelity for t in history)
    for share in TALK.values or ():
        assert abs(drawn[share] - 64 / 3) < 4 * np.sqrt(64 * 2 / 9)


def test_expected_improvement_per_cost_at_the_drawn_fidelity(space: Space, play: Play) -> None:
    """Against the integral that defines it, over the lowest mean of all trials where they are."""
    method = Multitask(space, TALK, hyper_samples=3)
    past = play(method, 12)
    data = method._read(past)
    assert data is not None
    models = method._fit(data)
    best = models.loss.mean(Points(data.x, method.loss_basis(data.s))).min(axis=1)
    x = np.random.default_rng(0).random((5, 2))
    for drawn, (share, cost) in enumerate(zip(TALK.values or (), TALK.nominal or (), strict=True)):
        points = Points(x, method.loss_basis(np.full(5, share)))
        mean, sd = models.loss.mean(points), np.sqrt(models.loss.variance(points))
        expected = np.zeros(5)
        for i in range(3):
            for j in range(5):
                m, d, b = mean[i, j], sd[i, j], best[i]
                gain = quad(lambda f: (b - f) * norm.pdf(f, m, d), m - 12 * d, b)[0]  # noqa: B023
                expected[j] += gain / 3
        found = np.exp(method.acquisition(models, data, drawn).value(x, np.ones(5)))
        np.testing.assert_allclose(found, expected / cost, rtol=1e-4, atol=1e-12)


def test_the_suggested_config_maximises_it(space: Space, play: Play) -> None:
    method = Multitask(space, TALK)
    past = play(method, 12)
    data = method._read(past)
    assert data is not None
    models = method._fit(data)
    anywhere = np.random.default_rng(5).random((2000, 2))
    for seed in range(4):
        suggestion = method.suggest(past, np.random.default_rng(seed))
        drawn = (TALK.values or ()).index(suggestion.fidelity)
        acquisition = method.acquisition(models, data, drawn)
        found = acquisition.value(space.encode(suggestion.config)[None], np.ones(1))
        assert found[0] >= acquisition.value(anywhere, np.ones(2000)).max() - 0.02


def test_recommends_the_best_full_training(space: Space, play: Play) -> None:
    method, rng = Multitask(space, TALK), np.random.default_rng(0)
    cheap = Trial(0, {"a": 0.1, "b": 0.1}, 4 / 35, 0.01, 1.0, "ok")
    assert method.recommend(History([cheap]), rng) is None
    full = [Trial(n, {"a": 0.1 * n, "b": 0.5}, 1.0, 1 / n, 1.0, "ok") for n in (1, 2, 3)]
    assert method.recommend(History([cheap, *full]), rng) == full[-1].config
    config = method.recommend(play(method, 40), rng)
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.1
    assert abs(config["b"] - 0.6) < 0.15


def test_what_runs_at_another_fidelity_may_be_suggested(space: Space) -> None:
    """Two configs: one runs at every fidelity, so the other is left at each of them."""
    two = Space({"a": Categorical(("u", "v"))})
    rng = np.random.default_rng(0)
    shares = TALK.values or ()
    past = [Trial(n, {"a": "uv"[n % 2]}, shares[n % 3], 0.1, 1.0, "ok") for n in range(12)]
    nan = float("nan")
    busy = [Trial(12 + n, {"a": "uvu"[n]}, s, nan, nan, "running") for n, s in enumerate(shares)]
    history = History([*past, *busy], loss_floor=1e-4)
    left = dict(zip(shares, "vuv", strict=True))
    for _ in range(12):
        suggestion = Multitask(two, TALK).suggest(history, rng)
        assert suggestion.config["a"] == left[suggestion.fidelity]


def test_the_length_scale_over_cost_stays_in_its_range(space: Space, play: Play) -> None:
    method = Multitask(space, TALK)
    data = method._read(play(method, 12))
    assert data is not None
    scales = np.exp(method._fit(data).loss.theta[:, 3])
    assert ((scales >= 0.43 - 1e-9) & (scales <= 1.01 + 1e-9)).all()


def test_a_task_without_nominal_costs_gets_the_talks_or_those_of_the_options(space: Space) -> None:
    epochs = Fidelities(values=tuple(n / 35 for n in range(1, 36)))
    method = Multitask(space, epochs)
    assert method.values == (4 / 35, 18 / 35, 1.0)
    assert method.costs == (0.1, 0.5, 1.0)
    assert Multitask(space, TALK, nominal_costs=(0.2, 0.4, 1.0)).costs == TALK.nominal
    continuous = Fidelities(low=0.002, full=50_000)
    method = Multitask(space, continuous, fidelity_values=(0.25, 1.0), nominal_costs=(0.3, 1.0))
    assert (method.values, method.costs) == ((0.25, 1.0), (0.3, 1.0))
    alone = Multitask(space, Fidelities())
    assert (alone.values, alone.costs) == ((1.0,), (1.0,))
    assert alone.suggest(History(), np.random.default_rng(0)).fidelity == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"fidelity_values": (0.001, 1.0), "nominal_costs": (0.1, 1.0)}, "the task has no"),
        ({"nominal_costs": (0.1, 1.0)}, "must have one cost for each of"),
        ({"nominal_costs": (0.0, 0.5, 1.0)}, "nominal_costs"),
    ],
)
def test_fidelities_that_cannot_be_drawn_are_one_line(
    options: dict[str, Any], line: str, space: Space
) -> None:
    with pytest.raises(ValueError, match=line):
        Multitask(space, Fidelities(low=0.1), **options)
