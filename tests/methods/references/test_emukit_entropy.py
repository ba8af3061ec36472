"""Emukit's entropy searches: that it is emukit that runs, and that it finds the minimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import emukit.bayesian_optimization.acquisitions.max_value_entropy_search as emukit_mes
import numpy as np
import pytest
from emukit.bayesian_optimization.acquisitions import EntropySearch
from emukit.core import ContinuousParameter, ParameterSpace
from emukit.model_wrappers import GPyModelWrapper

from benchmarks.core.space import Categorical, Float, Integer, Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.models.training_data import TrainingData, training_data
from methods.references.emukit_entropy import EmukitES, EmukitMES, EmukitSearch
from methods.references.emukit_pieces import ClippedGPy
from methods.references.gpy_ei import GPyEI, fit_gpy, quiet_gpy
from support.builders import SMALL

SQUARE = ParameterSpace([ContinuousParameter("a", 0, 1), ContinuousParameter("b", 0, 1)])
X = np.random.default_rng(5).random((12, 2))


@pytest.fixture
def fitted(space: Space, fidelities: Fidelities, play: Callable[..., History]) -> Any:
    data = training_data(play(GPyEI(space, fidelities, initial_trials=10), 10), space)
    assert data is not None
    return fit_gpy(data, 2)


def scores(search: Any) -> np.ndarray:
    np.random.seed(3)
    with quiet_gpy():
        search.update_parameters()
        return np.asarray(search.evaluate(X))


def test_the_default_entropy_search_is_emukits(
    space: Space, fidelities: Fidelities, fitted: Any
) -> None:
    ours = EmukitES(space, fidelities)._search(fitted)
    theirs = EntropySearch(GPyModelWrapper(fitted), SQUARE)
    assert ours.num_representer_points == theirs.num_representer_points
    assert ours.burn_in_steps == theirs.burn_in_steps
    np.testing.assert_array_equal(ours.W, theirs.W)
    # As many representers as emukit's default take seconds; the sampler's steps are the default.
    ours.num_representer_points = theirs.num_representer_points = 8
    found = scores(ours)
    assert np.ptp(found) > 0
    np.testing.assert_array_equal(found, scores(theirs))


def test_max_value_search_is_emukits_with_numbers_for_arrays(
    space: Space, fidelities: Fidelities, fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against emukit's own class with the ``float`` put where it is missing."""
    ours = EmukitMES(space, fidelities)._search(fitted)
    theirs = emukit_mes.MaxValueEntropySearch(GPyModelWrapper(fitted), SQUARE)
    assert (ours.num_samples, ours.grid_size) == (theirs.num_samples, theirs.grid_size)
    found = scores(ours)
    assert np.ptp(found) > 0
    bisect = emukit_mes.bisect
    monkeypatch.setattr(
        emukit_mes, "bisect", lambda f, *a, **k: bisect(lambda x: np.asarray(f(x)).item(), *a, **k)
    )
    np.testing.assert_allclose(found, scores(theirs), rtol=1e-9)


def test_the_best_candidate_is_suggested(
    space: Space, fidelities: Fidelities, play: Callable[..., History], monkeypatch: Any
) -> None:
    """With a stand-in for emukit that prefers a corner, and cannot score half of the cube."""

    class Corner:
        def update_parameters(self) -> None:
            np.random.rand()

        def evaluate(self, x: np.ndarray) -> np.ndarray:
            return np.where(x[:, :1] > 0.5, np.nan, x.sum(axis=1, keepdims=True))

    method = EmukitMES(space, fidelities)
    monkeypatch.setattr(method, "_search", lambda model: Corner())
    config = method.suggest(play(GPyEI(space, fidelities), 5), np.random.default_rng(0)).config
    assert 0.4 < config["a"] <= 0.5
    assert config["b"] > 0.9


def test_where_emukit_raises_a_random_config_says_so(
    space: Space, fidelities: Fidelities, play: Callable[..., History], monkeypatch: Any
) -> None:
    def raises(model: Any) -> None:
        raise ValueError("zero-size array\n")

    method = EmukitES(space, fidelities)
    monkeypatch.setattr(method, "_search", raises)
    suggestion = method.suggest(play(GPyEI(space, fidelities), 5), np.random.default_rng(0))
    space.check(suggestion.config)
    assert suggestion.note == {"emukit_error": "ValueError: zero-size array"}


@pytest.mark.parametrize(
    ("build", "options"),
    [
        pytest.param(
            EmukitES,
            {"candidates": 200, "representers": 15, "burn_in": 20, "sampler_steps": 20},
            marks=pytest.mark.slow,
        ),
        (EmukitMES, {}),
    ],
)
def test_converges_at_the_target(
    build: type[EmukitSearch],
    options: dict[str, int],
    space: Space,
    fidelities: Fidelities,
    play: Callable[..., History],
) -> None:
    method = build(space, fidelities, **options)
    past = play(method, 15)
    assert {t.fidelity for t in past} == {1.0}
    assert not any(t.note for t in past)
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.1
    assert abs(config["b"] - 0.6) < 0.1


@pytest.mark.slow
def test_converges_with_the_defaults(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    method = EmukitES(space, fidelities)
    past = play(method, 15)
    assert not any(t.note for t in past)
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.1
    assert abs(config["b"] - 0.6) < 0.1


@pytest.mark.parametrize("name", ["emukit_es", "emukit_mes"])
def test_a_mixed_space_needs_no_way_out(name: str, fidelities: Fidelities) -> None:
    """Six coordinates: two walkers each, whatever the number of representers."""
    mixed = Space(
        {
            "rate": Float(1e-4, 1, log=True),
            "units": Integer(1, 8),
            "kind": Categorical(("a", "b", "c", "d")),
        }
    )
    build = {"emukit_es": EmukitES, "emukit_mes": EmukitMES}[name]
    rng = np.random.default_rng(0)
    past = []
    for number in range(8):
        config = mixed.sample(rng)
        loss = 0.1 + (config["units"] - 5) ** 2 / 16 + (config["kind"] != "c")
        past.append(Trial(number, config, 1.0, loss, 1.0, "ok"))
    suggestion = build(mixed, fidelities, **SMALL[name]).suggest(History(past), rng)
    mixed.check(suggestion.config)
    assert not suggestion.note


def test_variances_are_never_negative_without_noise() -> None:
    x = np.random.default_rng(0).random((25, 2))
    y = np.sin(3 * x).sum(axis=1)
    ones = np.ones(25)
    model = fit_gpy(TrainingData(({},) * 25, x, ones, y, 0 * ones, ones == 1), 2)
    _, variance = ClippedGPy(model).predict(np.concatenate([x, x + 1e-9]))
    assert (variance > 0).all()


@pytest.mark.parametrize("option", ["representers", "innovations", "burn_in", "sampler_steps"])
def test_options_of_entropy_search(option: str, space: Space, fidelities: Fidelities) -> None:
    with pytest.raises(ValueError, match=f"^method.{option}=0: must be a whole number"):
        EmukitES(space, fidelities, **{option: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["minima", "grid", "candidates"])
def test_options_of_max_value_search(option: str, space: Space, fidelities: Fidelities) -> None:
    with pytest.raises(ValueError, match=f"^method.{option}=0: must be a whole number"):
        EmukitMES(space, fidelities, **{option: 0})  # type: ignore[arg-type]
