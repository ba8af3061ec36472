"""The smallest tasks and methods that tests need. Real code paths, no mocks."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Config, Float, Space
from benchmarks.core.trial import Fidelities, History, Observation, Suggestion, Truth
from support.waiting import pass_gate


class Tiny(Task):
    """A noisy bowl in [0.02, 1] whose minimum moves with the fidelity; cost is the fidelity."""

    space = Space({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    loss_floor = 1e-4
    best_loss = 0.02
    target_cost = 1.0
    reproducible = True

    def __init__(
        self,
        low: float = 1 / 64,
        values: tuple[float, ...] | None = None,
        nominal: tuple[float, ...] | None = None,
    ) -> None:
        self.fidelities = Fidelities(low=low, values=values, nominal=nominal)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        loss = self._loss(config, fidelity) * float(np.exp(0.01 * rng.normal()))
        return Observation(loss, fidelity, "ok", 1.1 * loss, {"draw": 1})

    def truth(self, config: Config) -> Truth:
        loss = self._loss(config, 1.0)
        return Truth(loss, 1.1 * loss, cost=1.0)

    def _loss(self, config: Config, fidelity: float) -> float:
        u: Array = self.space.encode(config)
        shift = 0.1 * (1 - fidelity)
        return float(0.02 + np.sum((u - 0.3 - shift) ** 2) + 0.1 * (1 - fidelity) ** 2)


class Held(Tiny):
    """Evaluations wait at ``gate``, a folder, until the test lets them pass (``let_pass``)."""

    def __init__(self, gate: str) -> None:
        super().__init__()
        self._gate = Path(gate)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        pass_gate(self._gate)
        return super().evaluate(config, fidelity, rng)


class Flaky(Tiny):
    """Raises, returns NaN, returns rubbish, hangs or takes its process down, by turns of x.

    With ``hanging``, a file, the process that hangs first writes its number there.
    """

    def __init__(self, hang: bool = False, hanging: str | None = None, **fidelities: Any) -> None:
        super().__init__(**fidelities)
        self._hang, self._hanging = hang, hanging

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        kind = int(config["x"] * 8)
        if kind == 0:
            raise ValueError("flaky on purpose")
        if kind == 1:
            return Observation(math.nan, fidelity)
        if kind == 2:
            return Observation(0.5, math.inf)
        if kind == 3:
            return None  # type: ignore[return-value]
        if kind == 4 and self._hang:
            if self._hanging is not None:
                Path(self._hanging).write_text(str(os.getpid()))
            time.sleep(3600)
        return super().evaluate(config, fidelity, rng)


class AnySign(Tiny):
    """Losses that may have no logarithm: ``accuracy`` is minus the accuracy, in [-1, 0]; ``zero``
    is always 0; ``turning`` is a bowl above 0 for ``TURN`` evaluations, and minus accuracy then;
    ``far`` is a bowl above ``FAR``.
    """

    loss_floor = 0.0
    TURN = 15
    FAR = 1e6

    def __init__(self, kind: str, **fidelities: Any) -> None:
        super().__init__(**fidelities)
        self._kind, self._evaluated = kind, 0

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        loss = super().evaluate(config, fidelity, rng).loss
        self._evaluated += 1
        if self._kind == "zero":
            loss = 0.0
        elif self._kind == "far":
            loss += self.FAR
        elif self._kind == "accuracy" or self._evaluated > self.TURN:
            loss = min(loss, 1.0) - 1.0
        return Observation(loss, fidelity)

    def truth(self, config: Config) -> Truth:
        return Truth()


class Outside(Method):
    """Suggests a config outside the space."""

    def __init__(self, space: Space, fidelities: Fidelities) -> None:
        del space, fidelities

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        return Suggestion({"x": 2.0, "y": 0.0})

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        return None


def without_clocks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a trace without what a clock was read for."""
    from benchmarks.runner.trace import CLOCK_FIELDS

    return [{k: v for k, v in row.items() if k not in CLOCK_FIELDS} for row in rows]


class Broken(Tiny):
    """Raises at every evaluation."""

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        raise ValueError("broken on purpose")


class Unknown(Tiny):
    """A task of which nothing is known; an evaluation at the target costs 2."""

    target_cost = None
    best_loss = None

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        seen = super().evaluate(config, fidelity, rng)
        return Observation(seen.loss, 2 * fidelity)

    def truth(self, config: Config) -> Truth:
        return Truth()


class Accuracy(Tiny):
    """Returns one minus the loss, to maximise."""

    maximise = True
    best_loss = 0.98

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        seen = super().evaluate(config, fidelity, rng)
        return Observation(float(np.exp(-seen.loss)), seen.cost)

    def truth(self, config: Config) -> Truth:
        return Truth(float(np.exp(-self._loss(config, 1.0))))
