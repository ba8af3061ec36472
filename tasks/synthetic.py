"""Synthetic tasks with a known optimum: Branin and Hartmann-6 with biased low fidelities.

Below the target fidelity (s < 1) the configs are shifted, so that low fidelities rank configs
differently, and the loss is raised, as with less training data. Both effects vanish at the target
and fall as ``s^-1/2``, the rate of a statistical error. The cost grows as a power of s. Losses lie
in [0.02, 1] up to noise, like a validation error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Float, Space, check_choice
from benchmarks.core.trial import Fidelities, Observation, Truth

FLOOR = 0.02  # loss of the optimum at the target fidelity


def branin(u: Array) -> float:
    """Return Branin (Dixon & Szego 1978) at ``u (2,)`` of the unit square; three global minima."""
    x, y = 15 * u[0] - 5, 15 * u[1]
    a = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return float(a**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])


def hartmann6(u: Array) -> float:
    """Return Hartmann-6 (Dixon & Szego 1978) at ``u (6,)`` of the unit cube."""
    return -float(_ALPHA @ np.exp(-np.sum(_A * (u - _P) ** 2, axis=1)))


class _Function(NamedTuple):
    evaluate: Callable[[Array], float]
    width: int
    minimum: float
    scale: float
    """height above the minimum at which the loss is ``1 - 1/e`` of the way from 0.02 to 1"""
    cost_good: float
    """median cost of the best tenth of random configs, of 2,000,000, in median costs of all"""


FUNCTIONS = {
    "branin": _Function(branin, 2, 0.39788735772973816, 20.0, 1.05),
    "hartmann6": _Function(hartmann6, 6, -3.322368011415515, 1.5, 0.8155),
}


class Synthetic(Task):
    """Branin or Hartmann-6 with fidelity-dependent shift, bias and cost.

    With ``b = (s^-1/2 - 1) / (low^-1/2 - 1)``, which falls from 1 at the lowest fidelity to 0 at
    the target, let ``m = 0.02 + 0.98 (1 - exp(-(f(x + shift b) - min f) / scale))``. The loss is
    ``m + bias b (1 - m)``, times log-normal noise, and at most 1.
    """

    version = 1
    reproducible = True
    loss_floor = 1e-4
    best_loss = FLOOR
    resolution = 0.0

    def __init__(
        self,
        function: str = "branin",
        cost_power: float = 1.0,
        shift: float = 0.1,
        bias: float = 0.2,
        noise: float = 0.02,
        low: float = 1 / 512,
        target_cost: float = 100.0,
    ) -> None:
        """Define the task.

        Args:
            function: ``branin`` (2-d) or ``hartmann6`` (6-d).
            cost_power: an evaluation costs ``target_cost (0.002 + 0.998 s^cost_power)`` times a
                factor from 1/2 to 2 that depends on the first hyperparameter.
            shift: shift of the configs at the lowest fidelity, in edges of the unit cube, in
                [0, 1]; its sign alternates between hyperparameters.
            bias: the loss at the lowest fidelity is raised by this fraction of its distance to 1;
                in [0, 1].
            noise: standard deviation of the log loss at every fidelity, in [0, 1].
            low: lowest fidelity, in (0, 1).
            target_cost: median cost at the target fidelity, in seconds.

        Raises:
            ValueError: unknown function, or a number out of range.
        """
        check_choice("task.function", function, FUNCTIONS)
        for name, value in (("cost_power", cost_power), ("target_cost", target_cost)):
            if not value > 0:
                raise ValueError(f"task.{name}={value}: must be positive")
        for name, value in (("shift", shift), ("bias", bias), ("noise", noise)):
            if not 0 <= value <= 1:
                raise ValueError(f"task.{name}={value}: allowed is [0, 1]")
        if not 0 < low < 1:
            raise ValueError(f"task.low={low}: allowed is (0, 1)")
        self._function = FUNCTIONS[function]
        width = self._function.width
        self.space = Space({f"x{i + 1}": Float(0.0, 1.0) for i in range(width)})
        self.fidelities = Fidelities(low=low)
        self.target_cost = target_cost
        self.good_cost = target_cost * self._function.cost_good
        self._power, self._bias, self._noise = cost_power, bias, noise
        self._shift = shift * np.where(np.arange(width) % 2, -1.0, 1.0)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        noise = float(np.exp(self._noise * rng.standard_normal()))
        loss = min(1.0, self._loss(config, fidelity) * noise)
        return Observation(loss, self._cost(config, fidelity))

    def truth(self, config: Config) -> Truth:
        return Truth(self._loss(config, 1.0), cost=self._cost(config, 1.0))

    def _cost(self, config: Config, s: float) -> float:
        assert self.target_cost is not None
        cost = self.target_cost * (0.002 + 0.998 * s**self._power)
        return float(cost * 4.0 ** (float(config["x1"]) - 0.5))

    def _loss(self, config: Config, s: float) -> float:
        b = float((s**-0.5 - 1) / (self.fidelities.low**-0.5 - 1))
        shifted = self.space.encode(config) + self._shift * b
        rise = max(0.0, self._function.evaluate(shifted) - self._function.minimum)
        loss = FLOOR + (1 - FLOOR) * (1 - math.exp(-rise / self._function.scale))
        return loss + self._bias * b * (1 - loss)
