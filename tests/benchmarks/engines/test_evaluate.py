from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines import evaluate as evaluation
from benchmarks.engines.evaluate import evaluate, failed, sendable
from support import clock
from support.tiny import Flaky, Tiny

ANYWHERE = Suggestion({"x": 0.0, "y": 0.0}, 0.5)


class Answers(Tiny):
    """Returns what it is given, or raises it."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        if isinstance(self._answer, BaseException):
            raise self._answer
        answer: Observation = self._answer
        return answer


class Unknown(Tiny):
    target_cost = None


def ask(task: Task, trained: float = 0.0) -> Observation:
    return evaluate(task, ANYWHERE, np.random.default_rng(0), trained)


def test_a_good_observation_is_handed_on() -> None:
    assert ask(Tiny()) == Tiny().evaluate(ANYWHERE.config, 0.5, np.random.default_rng(0))
    for status in ("failed", "timeout", "diverged"):
        own = Observation(math.nan, 3.0, status, None, {"why": "mine"})  # type: ignore[arg-type]
        seen = ask(Answers(own))
        assert (seen.cost, seen.status, seen.test_loss, seen.info) == (3.0, status, None, own.info)
        assert math.isnan(seen.loss)


def test_a_config_is_trained_on_from_where_it_was() -> None:
    assert ask(Tiny(), trained=0.25).cost == 0.25


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_diverged(loss: float) -> None:
    answer = ask(Answers(Observation(loss, 2.0, info={"epochs": 3})))
    assert (answer.status, answer.cost) == ("diverged", 2.0)
    assert math.isnan(answer.loss)
    assert answer.info == {"epochs": 3, "error": f"loss was {loss}"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "the task returned NoneType, not an Observation"),
        (0.25, "the task returned float, not an Observation"),
        (Observation(0.5, math.inf), "the task returned cost inf"),
        (Observation(0.5, math.nan), "the task returned cost nan"),
        (Observation(0.5, -1.0), "the task returned cost -1.0"),
        (Observation(0.5, 1.0, "runing"), "the task returned status 'runing'"),  # type: ignore[arg-type]
        (Observation(0.5, 1.0, "running"), "the task returned status 'running'"),
        (Observation("0.5", 1.0), "the task returned loss '0.5'"),  # type: ignore[arg-type]
        (Observation(None, 1.0), "the task returned loss None"),  # type: ignore[arg-type]
        (Observation(0.5, "1"), "the task returned cost '1'"),  # type: ignore[arg-type]
        (Observation(0.5, None), "the task returned cost None"),  # type: ignore[arg-type]
        (Observation(0.5, 1.0, "ok", "n/a"), "the task returned test loss 'n/a'"),  # type: ignore[arg-type]
        (Observation(0.5, 1.0, "ok", None, None), "the task returned info None"),  # type: ignore[arg-type]
        (Observation(0.5, 1.0, curve=[0.3]), "the task returned curve [0.3]"),  # type: ignore[arg-type]
        (Observation(0.5, 1.0, curve=((0.3, None),)), "the task returned curve ((0.3, None),)"),  # type: ignore[arg-type]
        (
            Observation(0.5, 1.0, curve=((0.3, 1.0), (0.2, 1.0))),
            "the task returned a curve at [0.3, 0.2]: must rise in (0, 1)",
        ),
        (
            Observation(0.5, 1.0, curve=((1.0, 1.0),)),
            "the task returned a curve at [1.0]: must rise in (0, 1)",
        ),
        (ValueError("mine"), "ValueError: mine"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_rubbish_and_exceptions_are_failed_and_say_why(answer: Any, problem: str) -> None:
    observation = ask(Answers(answer))
    assert observation.status == "failed"
    assert math.isnan(observation.loss)
    assert observation.info == {"error": problem}
    assert observation.cost == 0.5  # its share of a target evaluation


def test_a_curve_is_handed_on_in_plain_numbers_to_minimise() -> None:
    given = ((np.float32(0.25), np.float64(0.5)), (0.375, math.nan), (0.4375, 1))
    for status in ("ok", "timeout"):
        answer = Answers(Observation(0.5, 1.0, status, curve=given))  # type: ignore[arg-type]
        assert ask(answer).curve == ((0.25, 0.5), (0.4375, 1.0))
        assert all(type(number) is float for pair in ask(answer).curve for number in pair)
        assert sendable(ask(answer)).curve == [[0.25, 0.5], [0.4375, 1.0]]
        answer.maximise = True
        assert ask(answer).curve == ((0.25, -0.5), (0.4375, -1.0))


def test_control_c_is_not_a_failed_trial() -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(Answers(KeyboardInterrupt()))


def test_a_failure_of_a_reproducible_task_is_charged_without_a_clock() -> None:
    assert failed(Tiny(), ANYWHERE.fidelity, "", 77.0).cost == 0.5
    assert failed(Unknown(), ANYWHERE.fidelity, "", 77.0).cost == 0.5


def test_a_live_task_that_raises_is_charged_the_time_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = clock.hold(monkeypatch, evaluation)

    class Live(Flaky):
        reproducible = False

        def evaluate(self, *arguments: Any) -> Observation:
            machine.now += 0.125
            return super().evaluate(*arguments)

    observation = ask(Live())
    assert observation.status == "failed"
    assert observation.cost == 0.125
    assert failed(Live(), ANYWHERE.fidelity, "", 77.0).cost == 77.0


@pytest.mark.parametrize("number", [np.float32, np.float64, np.array, lambda x: np.array([x]), int])
def test_numbers_of_any_library_become_floats(number: Any) -> None:
    seen = ask(Answers(Observation(number(2), number(3), "ok", number(4), {"a": number(5)})))
    assert (seen.loss, seen.cost, seen.test_loss) == (2.0, 3.0, 4.0)
    assert {type(x) for x in (seen.loss, seen.cost, seen.test_loss)} == {float}
    assert seen.info == {"a": 5}
    assert type(seen.info["a"]) in (int, float)


def test_a_scalar_of_torch_becomes_a_float() -> None:
    torch = pytest.importorskip("torch")
    seen = ask(Answers(Observation(torch.tensor(0.5), torch.tensor([2.0]))))
    assert (seen.loss, seen.cost) == (0.5, 2.0)


def test_several_numbers_are_no_loss() -> None:
    assert ask(Answers(Observation(np.array([1.0, 2.0]), 1.0))).status == "failed"  # type: ignore[arg-type]


def test_what_json_cannot_hold_becomes_text_before_it_is_sent() -> None:
    lock = threading.Lock()
    seen = ask(Answers(Observation(0.5, 1.0, info={"lock": lock, "curve": (0.1, math.nan)})))
    assert seen.status == "ok"
    assert seen.info == {"lock": str(lock), "curve": [0.1, None]}


def test_a_task_may_change_the_config_that_it_is_handed() -> None:
    class Changes(Tiny):
        def evaluate(
            self, config: Config, fidelity: float, rng: np.random.Generator
        ) -> Observation:
            config["x"] = 0.5
            return super().evaluate(config, fidelity, rng)

    suggestion = Suggestion({"x": 0.0, "y": 0.0}, 0.5)
    evaluate(Changes(), suggestion, np.random.default_rng(0))
    assert suggestion.config == {"x": 0.0, "y": 0.0}


def test_values_to_maximise_become_losses() -> None:
    class Accuracy(Answers):
        maximise = True

    seen = ask(Accuracy(Observation(0.9, 1.0, "ok", 0.8)))
    assert (seen.loss, seen.test_loss) == (-0.9, -0.8)
    lost = ask(Accuracy(Observation(-math.inf, 1.0)))
    assert (lost.status, lost.info["error"]) == ("diverged", "value was -inf")
