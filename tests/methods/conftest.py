from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from benchmarks.core.protocols import Method
from benchmarks.core.space import Float, Space
from benchmarks.core.trial import Fidelities, History, Trial

Evaluate = Callable[[Mapping[str, Any], float], tuple[float, float]]


def bowl(config: Mapping[str, Any], s: float) -> tuple[float, float]:
    """A smooth loss whose optimum moves with the fidelity, and its cost in seconds."""
    bias = 0.2 * (math.log2(s) / 9) ** 2
    loss = 0.02 + (config["a"] - 0.3 - bias) ** 2 + 0.5 * (config["b"] - 0.6) ** 2 + 0.3 * bias
    return min(loss, 1.0), 0.01 + s


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Small matrices are many times slower when BLAS threads wait for one another."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def space() -> Space:
    return Space({"a": Float(0.0, 1.0), "b": Float(0.0, 1.0)})


@pytest.fixture
def fidelities() -> Fidelities:
    return Fidelities(low=1 / 512)


@pytest.fixture
def play() -> Callable[..., History]:
    """Run a method for ``trials`` trials on the bowl, seeded; returns the history."""

    def run(method: Method, trials: int, *, seed: int = 0, evaluate: Evaluate = bowl) -> History:
        history = History((), loss_floor=1e-3)
        for number in range(trials):
            rng = np.random.default_rng([seed, number])
            chosen = method.suggest(history, rng)
            loss, cost = evaluate(chosen.config, chosen.fidelity)
            history = history.append(
                Trial(number, chosen.config, chosen.fidelity, loss, cost, "ok", chosen.note)
            )
        return history

    return run
