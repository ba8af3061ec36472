"""Histories with running trials, as a run with several workers has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.trial import History, Status, Suggestion, Trial


def started(history: History, suggestion: Suggestion) -> History:
    """The history with the suggestion as one more running trial."""
    number = len(history)
    config, s, note = suggestion.config, suggestion.fidelity, suggestion.note
    return history.append(Trial(number, config, s, math.nan, math.nan, "running", note))


def ended(
    history: History, number: int, loss: float, cost: float = 1.0, status: Status = "ok"
) -> History:
    """The history with trial ``number`` ended."""
    trials = list(history.trials)
    assert trials[number].status == "running"
    loss = loss if status == "ok" else math.nan
    trials[number] = replace(trials[number], loss=loss, cost=cost, status=status)
    return History(trials, history.loss_floor)


def running(history: History) -> list[int]:
    """Numbers of the running trials."""
    return [trial.number for trial in history if trial.status == "running"]


def play(
    method: Method,
    workers: int,
    trials: int,
    evaluate: Callable[[Trial], tuple[float, Status]],
    rng: np.random.Generator,
) -> list[History]:
    """Histories in which every suggestion was asked for, while trials end in random order.

    All workers are kept busy, unless the method has nothing to suggest.
    """
    history, asked = History((), loss_floor=1e-4), []
    while len(history) < trials:
        busy = running(history)
        suggestion = None
        if len(busy) < workers:
            asked.append(history)
            suggestion = method.suggest(history, np.random.default_rng(len(history)))
        if suggestion is not None:
            history = started(history, suggestion)
        else:
            assert busy, "nothing to suggest, and nothing to wait for"
            number = int(rng.choice(busy))
            loss, status = evaluate(history.trials[number])
            history = ended(history, number, loss, history.trials[number].fidelity, status)
    return [*asked, history]
