from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.mtbo import MTBO


def test_starts_on_the_auxiliary_task_and_finds_the_optimum_at_the_target(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    method = MTBO(space, fidelities)
    past = play(method, 25)
    assert [t.fidelity for t in past][:5] == [0.25] * 5
    assert {t.fidelity for t in past} == {0.25, 1.0}
    config = method.recommend(past, np.random.default_rng(0))
    assert config is not None
    assert abs(config["a"] - 0.3) < 0.08
    assert abs(config["b"] - 0.6) < 0.1


def test_the_initial_design_takes_all_auxiliary_fidelities_in_turn(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    method = MTBO(space, fidelities, fidelity_values=[1 / 64, 0.25, 1])
    assert [t.fidelity for t in play(method, 5)] == [1 / 64, 0.25, 1 / 64, 0.25, 1 / 64]


def test_trials_at_other_fidelities_are_not_modelled(
    space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    method = MTBO(space, fidelities)
    past = play(method, 8)
    other = Trial(8, {"a": 0.9, "b": 0.1}, 0.5, 0.001, 1.0, "ok")
    without, having = method._read(past), method._read(past.append(other))
    assert without is not None
    assert having is not None
    assert without.key == having.key


def test_learns_how_much_the_tasks_have_in_common(space: Space, fidelities: Fidelities) -> None:
    """The correlation of the two tasks, out of the coregionalisation matrix of either model."""
    rng = np.random.default_rng(0)
    x = rng.random((40, 2))
    correlation = {}
    for kind in ("same", "opposite"):
        trials = []
        for number, (a, b) in enumerate(x):
            s = 1.0 if number % 2 else 0.25
            wave = np.sin(5 * a) + b
            loss = float(np.exp(wave if s == 1 or kind == "same" else -wave))
            trials.append(Trial(number, {"a": a, "b": b}, s, loss, 10 * s, "ok"))
        method = MTBO(space, fidelities)
        data = method._read(History(trials))
        assert data is not None
        models = method._fit(data)
        assert models.log_cost is not None
        L = models.loss.kernel.factor(models.loss.theta)
        sigma = L @ L.transpose(0, 2, 1)
        each = sigma[:, 0, 1] / np.sqrt(sigma[:, 0, 0] * sigma[:, 1, 1])
        correlation[kind] = float(each.mean())
        cost = method.cost_basis
        assert cost is not None
    assert correlation["same"] > 0.8
    assert correlation["opposite"] < -0.8


def test_a_task_with_the_target_alone(space: Space) -> None:
    method = MTBO(space, Fidelities())
    assert method.suggest(History(), np.random.default_rng(0)).fidelity == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.25, 0.5], "must be ascending and end with 1"),
        ([0.5, 0.25, 1.0], "must be ascending and end with 1"),
        ([0.5, 0.5, 1.0], "must be ascending and end with 1"),
        ([], "must be a list of fidelities"),
        ([1 / 1024, 1.0], r"the task has no fidelity 0.0009765625: allowed is \[0.00195312, 1\]$"),
    ],
)
def test_fidelity_values_are_checked(
    values: list[float], message: str, space: Space, fidelities: Fidelities
) -> None:
    with pytest.raises(ValueError, match=r"^method.fidelity_values=\[.*" + message):
        MTBO(space, fidelities, fidelity_values=values)


def test_fidelity_values_must_be_on_offer(space: Space) -> None:
    with pytest.raises(ValueError, match=r"the task has no fidelity 0.25: allowed are \[0.1"):
        MTBO(space, Fidelities(values=(0.1, 1.0)))


def test_the_nearest_whole_epoch_stands_for_a_share(space: Space) -> None:
    epochs = Fidelities(values=tuple(epoch / 35 for epoch in range(1, 36)), full=35, unit="epochs")
    assert MTBO(space, epochs).auxiliary == (9 / 35,)
    talk = MTBO(space, epochs, fidelity_values=[0.114, 0.514, 1])
    assert talk.auxiliary == (4 / 35, 18 / 35)
