"""Model-based methods with running trials in the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from benchmarks.core.space import Categorical, Space
from benchmarks.core.trial import Fidelities, History, Status, Trial
from methods.bayesian.model_based import ModelBased
from methods.entropy_search import EntropySearch
from methods.expected_improvement import ExpectedImprovement
from methods.fabolas import Fabolas
from methods.models.training_data import training_data
from methods.mtbo import MTBO
from methods.multitask import Multitask
from methods.references.emukit_entropy import EmukitES, EmukitMES
from methods.references.emukit_fabolas import EmukitFabolas
from methods.references.gpy_ei import GPyEI, condition_on_pending, predict
from support.builders import SMALL
from support.parallel import ended, running, started
from support.parallel import play as play_parallel

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
Play = Callable[..., History]


def started_by(method: Any, history: History, count: int, seed: int = 0) -> History:
    """The history with ``count`` more suggestions, all of them running."""
    for _ in range(count):
        rng = np.random.default_rng([seed, len(history)])
        history = started(history, method.suggest(history, rng))
    return history


@pytest.mark.parametrize("build", QUICK)
def test_nothing_is_fitted_to_running_trials_and_the_mean_stays(
    build: Any, space: Space, fidelities: Fidelities, play: Play
) -> None:
    method: ModelBased = build(space, fidelities)
    past = play(method, 12)
    busy = started_by(method, past, 4)
    alone, data = method._read(past), method._read(busy)
    assert alone is not None
    assert data is not None
    assert data.key == alone.key
    assert data.pending is not None
    np.testing.assert_allclose(data.pending.x, [space.encode(t.config) for t in busy.trials[12:]])
    assert data.pending.s.tolist() == [t.fidelity for t in busy.trials[12:]]
    fitted = method._fit(data)
    assert method._fit(alone) is fitted
    models = method._condition_on_pending(fitted, data)
    assert models.log_cost is fitted.log_cost
    assert models.loss.theta is fitted.loss.theta
    before, after = (method._means_at_target(m, data) for m in (fitted, models))
    np.testing.assert_allclose(after, before, atol=1e-8)
    assert method._condition_on_pending(fitted, alone) is fitted


@pytest.mark.parametrize("build", QUICK)
def test_a_liar_tells_the_lowest_loss_seen(
    build: Any, space: Space, fidelities: Fidelities, play: Play
) -> None:
    method: ModelBased = build(space, fidelities, pending="liar")
    busy = started_by(method, play(method, 12), 3)
    data = training_data(busy, space)
    assert data is not None
    conditioned = method._condition_on_pending(method._fit(data), data).loss
    told = conditioned.offset + conditioned.scale * conditioned.data.y[:, -3:]
    np.testing.assert_allclose(told, data.loss.min())
    with pytest.raises(ValueError, match=r"^method.pending=lair: allowed are believer, liar; did"):
        build(space, fidelities, pending="lair")


@pytest.mark.parametrize("build", [ExpectedImprovement, EntropySearch, REFERENCES[0]])
def test_workers_get_different_configs(
    build: Any, space: Space, fidelities: Fidelities, play: Play
) -> None:
    """Each of eight with the same stream; without believing they would get the same config."""
    method = build(space, fidelities)
    past = history = play(method, 10)
    for _ in range(8):
        history = started(history, method.suggest(history, np.random.default_rng(0)))
    x = np.array([space.encode(t.config) for t in history.trials[10:]])
    assert pdist(x).min() > 1e-3
    assert method.suggest(past, np.random.default_rng(0)).config == history.trials[10].config


def test_gpys_model_believes_too(space: Space, fidelities: Fidelities, play: Play) -> None:
    method = GPyEI(space, fidelities)
    busy = started_by(method, play(method, 10), 3)
    data = training_data(busy, space)
    assert data is not None
    assert data.pending is not None
    model = method._fit(data)
    conditioned = condition_on_pending(model, data)
    x = np.random.default_rng(0).random((30, 2))
    np.testing.assert_allclose(predict(conditioned, x)[0], predict(model, x)[0], atol=1e-6)
    before, after = (predict(m, data.pending.x)[1] for m in (model, conditioned))
    assert (after < before).all()
    np.testing.assert_array_equal(conditioned.param_array, model.param_array)
    assert len(model.X) == 10


def test_emukits_fabolas_believes_too(space: Space, fidelities: Fidelities, play: Play) -> None:
    method = EmukitFabolas(space, fidelities, **SMALL["emukit_fabolas"])
    busy = started_by(method, play(method, 12), 3)
    assert not any("emukit_error" in trial.note for trial in busy)
    data = training_data(busy, space)
    assert data is not None
    loop = method._fit(data)
    conditioned = method._condition_on_pending(loop, data)
    for fitted, other in zip(loop.model_updaters, conditioned.model_updaters, strict=True):
        np.testing.assert_array_equal(fitted.model.model.param_array, other.model.model.param_array)
    sizes = [len(updater.model.X) for updater in conditioned.model_updaters]
    assert sizes == [15, 12]  # the cost model is given nothing
    assert len(loop.model_updaters[0].model.X) == 12
    before, after = (method._means_at_target(one, data) for one in (loop, conditioned))
    np.testing.assert_allclose(after, before, atol=5e-3)  # it is next to noise-free, and so stiff


@pytest.mark.parametrize("build", MODEL_BASED)
@pytest.mark.parametrize("finished", [0, 1])
def test_twenty_workers_and_next_to_nothing_finished(
    build: Any, finished: int, space: Space, fidelities: Fidelities
) -> None:
    method = build(space, fidelities)
    history = started_by(method, History((), loss_floor=1e-4), 20)
    assert len({tuple(trial.config.values()) for trial in history}) == 20
    assert method.recommend(history, np.random.default_rng(0)) is None
    for number in range(finished):
        history = ended(history, 7 + number, 0.3)
    history = started_by(method, history, 3)
    assert len({tuple(trial.config.values()) for trial in history}) == 23
    recommended = method.recommend(history, np.random.default_rng(0))
    assert recommended == (history.trials[7].config if finished else None)


def test_the_initial_design_goes_by_what_was_started(
    space: Space, fidelities: Fidelities, play: Play
) -> None:
    """One Sobol set and one cycle of fidelities, in whatever order the trials end."""
    method = Fabolas(space, fidelities)
    alone = play(method, 10)
    history = History((), loss_floor=1e-4)
    for number in range(10):
        history = started(history, method.suggest(history, np.random.default_rng([0, number])))
        if number > 3:
            history = ended(history, running(history)[-2], 0.3)
    assert [(t.config, t.fidelity) for t in history] == [(t.config, t.fidelity) for t in alone]


FEW = Space({"a": Categorical(("u", "v")), "b": Categorical((1, 2, 3))})


@pytest.mark.parametrize("build", [*OURS, *REFERENCES[:3]])
def test_what_is_running_is_not_suggested_where_something_else_is_left(build: Any) -> None:
    """Of six configs at one fidelity, five are running; then all six."""
    rng = np.random.default_rng(0)
    method = build(FEW, Fidelities())
    configs: list[Any] = [{"a": a, "b": b} for a in ("u", "v") for b in (1, 2, 3)]
    past = [Trial(n, configs[n % 6], 1.0, rng.random(), 1.0, "ok") for n in range(12)]
    nan = float("nan")
    for left in (0, 4):
        busy = [config for n, config in enumerate(configs) if n != left]
        trials = [Trial(12 + n, c, 1.0, nan, nan, "running") for n, c in enumerate(busy)]
        history = History([*past, *trials], loss_floor=1e-4)
        for seed in range(3):
            suggested = method.suggest(history, np.random.default_rng(seed)).config
            assert suggested == configs[left]
    full = started(history, method.suggest(history, rng))
    FEW.check(method.suggest(full, rng).config)


@pytest.mark.parametrize("build", MODEL_BASED)
def test_recommends_by_finished_trials_alone(
    build: Any, space: Space, fidelities: Fidelities, play: Play
) -> None:
    method = build(space, fidelities)
    past = play(method, 11)
    late = [replace(t, status="running") if t.number in (3, 9) else t for t in past]
    history = History(late, past.loss_floor)
    without = History([t for t in late if t.status != "running"], past.loss_floor)
    assert method.recommend(history, np.random.default_rng(0)) == method.recommend(
        without, np.random.default_rng(0)
    )


@pytest.mark.parametrize("build", QUICK)
def test_hyperparameters_are_kept_and_the_data_are_all(
    build: Any, space: Space, fidelities: Fidelities, play: Play
) -> None:
    method: ModelBased = build(space, fidelities, refit_every=5, refit_above=10)
    past = play(method, 19)
    anew: ModelBased = build(space, fidelities)
    for count, kept in ((10, 10), (13, 10), (15, 15), (19, 15)):
        history = History(past.trials[:count], past.loss_floor)
        early = History(past.trials[:kept], past.loss_floor)
        data, then = method._read(history), anew._read(early)
        assert data is not None
        assert then is not None
        models, before = method._fitted(history, data), anew._fit(then)
        for now, old in zip(models, before, strict=True):
            assert (now is None) == (old is None)
            if now is not None and old is not None:
                np.testing.assert_array_equal(now.theta, old.theta)
                assert (now.offset, now.scale) == (old.offset, old.scale)
                assert len(now.data.points.x) == len(data.x)
        conditioned = models.loss
        np.testing.assert_allclose(
            conditioned.offset + conditioned.scale * conditioned.data.y, data.loss
        )
    # a fresh object agrees, and one that keeps nothing does not
    fresh: ModelBased = build(space, fidelities, refit_every=5, refit_above=10)
    wanted = method.suggest(past, np.random.default_rng(1))
    assert fresh.suggest(past, np.random.default_rng(1)) == wanted
    assert anew.suggest(past, np.random.default_rng(1)) != wanted
    with pytest.raises(ValueError, match=r"^method.refit_every=0: must be a whole number, 1 or"):
        build(space, fidelities, refit_every=0)


def test_with_several_workers_few_fits_are_made(space: Space, fidelities: Fidelities) -> None:
    """Five workers, fits at 10, 20, 30 and 40 and up to 10 finished, whatever ends when."""
    method = ExpectedImprovement(space, fidelities, refit_every=10, refit_above=10)
    fits: list[str] = []
    fit = method._fit._fit
    method._fit._fit = lambda data: (fits.append(data.key), fit(data))[1]  # type: ignore[func-returns-value]
    rng = np.random.default_rng(0)

    def evaluate(trial: Trial) -> tuple[float, Status]:
        return float((trial.config["a"] - 0.3) ** 2 + 0.01 * (1 + rng.random())), "ok"

    asked = play_parallel(method, 5, 50, evaluate, rng)
    few = len(fits)
    finished = [sum(t.status != "running" for t in past) for past in asked]
    until = sum(count <= 10 for count in finished if count)
    assert until + 3 <= few <= until + 4
    assert any(trial.note.get("beside") for trial in asked[-1])
