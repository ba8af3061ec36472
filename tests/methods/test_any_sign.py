"""Model-based methods on losses of any sign and magnitude."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from benchmarks.core.protocols import Method
from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion, Trial
from methods.entropy_search import EntropySearch
from methods.expected_improvement import ExpectedImprovement
from methods.fabolas import Fabolas
from methods.mtbo import MTBO
from methods.multitask import Multitask
from methods.references.emukit_entropy import EmukitES, EmukitMES
from methods.references.emukit_fabolas import EmukitFabolas
from methods.references.gpy_ei import GPyEI
from support.builders import SMALL

OURS = [ExpectedImprovement, EntropySearch, MTBO, Multitask, Fabolas]
QUICK = [
    ExpectedImprovement,
    Fabolas,
    *(pytest.param(build, marks=pytest.mark.slow) for build in (EntropySearch, MTBO, Multitask)),
]
"""the same, for tests of what they share: slow, but for the simplest and the one with most parts"""
EMUKIT = [
    partial(EmukitES, **SMALL["emukit_es"]),
    partial(EmukitMES, **SMALL["emukit_mes"]),
    partial(EmukitFabolas, **SMALL["emukit_fabolas"]),
]
REFERENCES = [pytest.param(build, marks=pytest.mark.slow) for build in [GPyEI, *EMUKIT]]
"""methods of other packages, which take long"""
MODEL_BASED = [*OURS, *REFERENCES]


@pytest.fixture
def past(space: Space) -> list[Trial]:
    """Uniform configs with uniform losses, at a quarter and at the target by turns."""
    rng = np.random.default_rng(7)
    return [
        Trial(n, space.sample(rng), 1.0 if n % 2 else 0.25, float(rng.random()), 1.0, "ok")
        for n in range(14)
    ]


def check(method: Method, history: History, space: Space, fidelities: Fidelities) -> Suggestion:
    """The method's suggestion, after a check of it and of what is recommended."""
    suggestion = method.suggest(history, np.random.default_rng(1))
    assert suggestion is not None
    space.check(suggestion.config)
    fidelities.check(suggestion.fidelity)
    assert method.recommend(history, np.random.default_rng(2)) in [t.config for t in history]
    return suggestion


@pytest.mark.parametrize("build", MODEL_BASED)
@pytest.mark.parametrize(
    "losses",
    [
        (0.0,),
        (-0.9, -0.2, -0.5, 0.0),
        (1e300, -1e300, 1e-300, -1e-300, 0.5),
        (-0.5, float(np.nextafter(-0.5, 0))),
    ],
)
def test_losses_without_a_logarithm_are_ranked(
    build: Any,
    losses: tuple[float, ...],
    past: list[Trial],
    space: Space,
    fidelities: Fidelities,
) -> None:
    """With costs of 0; and the note says so."""
    trials = [replace(t, loss=losses[t.number % len(losses)], cost=0.0) for t in past]
    suggestion = check(build(space, fidelities), History(trials), space, fidelities)
    assert suggestion.note == {"loss_transform": "ranks"}


@pytest.mark.parametrize("build", MODEL_BASED)
def test_the_note_says_nothing_of_logarithms(
    build: Any, past: list[Trial], space: Space, fidelities: Fidelities
) -> None:
    assert check(build(space, fidelities), History(past), space, fidelities).note == {}


@pytest.mark.parametrize("build", MODEL_BASED)
def test_ranks_do_not_feel_what_keeps_the_order(
    build: Any, past: list[Trial], space: Space, fidelities: Fidelities
) -> None:
    below = [replace(t, loss=t.loss - 1) for t in past]
    bent = [replace(t, loss=float(np.sinh(30 * t.loss))) for t in below]
    for ask in ("suggest", "recommend"):
        first, second = (
            getattr(build(space, fidelities), ask)(History(trials), np.random.default_rng(0))
            for trials in (below, bent)
        )
        assert first == second


@pytest.mark.parametrize("build", MODEL_BASED)
@pytest.mark.parametrize("transform", ["log", "none"])
@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_losses_of_any_magnitude(
    build: Any,
    transform: str,
    scale: float,
    past: list[Trial],
    space: Space,
    fidelities: Fidelities,
) -> None:
    """Half of them, beside ordinary ones."""
    trials = [replace(t, loss=t.loss * scale) if t.number % 4 < 2 else t for t in past]
    method = build(space, fidelities, loss_transform=transform)
    check(method, History(trials), space, fidelities)


@pytest.mark.parametrize("build", QUICK[:1] + QUICK[2:4])
def test_ranks_lead_to_the_optimum_too(
    build: Any, space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    """A bowl with losses of -1 and above; its optimum is at (0.3, 0.6) at any fidelity."""

    def evaluate(config: Any, s: float) -> tuple[float, float]:
        loss = (config["a"] - 0.3) ** 2 + 0.5 * (config["b"] - 0.6) ** 2 + 0.3 * (1 - s)
        return loss - 1, s

    history = play(build(space, fidelities), 20, evaluate=evaluate)
    assert history.trials[-1].note["loss_transform"] == "ranks"
    config = build(space, fidelities).recommend(history, np.random.default_rng(0))
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.15
    assert abs(config["b"] - 0.6) < 0.15


@pytest.mark.parametrize("build", QUICK)
def test_a_refit_before_the_first_negative_loss_is_one_to_ranks(
    build: Any, space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    """Its model then has the scale of all data, and a fresh object agrees with a used one."""
    method = build(space, fidelities, refit_every=10, refit_above=10)
    history = play(method, 17)
    last = replace(history.trials[-1], loss=-0.5)
    turned = History([*history.trials[:-1], last], history.loss_floor)
    data = method._read(turned)
    assert data is not None
    models = method._fitted(turned, data)
    assert abs(models.loss.offset) < 0.5
    assert 0.3 < models.loss.scale < 1.5
    stored = models.loss.offset + models.loss.scale * models.loss.data.y
    np.testing.assert_allclose(stored, data.loss)
    fresh = build(space, fidelities, refit_every=10, refit_above=10)
    suggestion = fresh.suggest(turned, np.random.default_rng(0))
    assert suggestion == method.suggest(turned, np.random.default_rng(0))
    assert suggestion.note["loss_transform"] == "ranks"
