"""Draw random configs of a recorded task: their costs, and how many beat an untuned config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.space import Space
from tasks.replay.curve_surrogate import CurveSurrogate
from tasks.replay.evaluations import RecordedTask

DRAWS = 100_000
GOOD = 0.1
"""share of the draws that count as good: those with the lowest losses at the target"""


@dataclass(frozen=True)
class Draws:
    """True losses and costs at the target of random configs, as a replay returns them."""

    losses: NDArray[np.float64]
    costs: NDArray[np.float64]
    """seconds"""

    def cost_good(self) -> float:
        """Return the median cost of the best tenth, seconds."""
        good = self.losses <= np.quantile(self.losses, GOOD)
        return float(f"{np.median(self.costs[good]):.6g}")

    def beaten_by(self, loss: float) -> float:
        """Return the share of the draws with a lower loss."""
        return round(float(np.mean(self.losses < loss)), 4)


def drawn(space: Space, count: int = DRAWS) -> list[dict[str, Any]]:
    """Return random configs, the same for the same space."""
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(count)]


def draw_evaluations(task: RecordedTask, count: int = DRAWS) -> Draws:
    """Draw from the replay of a table of evaluations; a cost is the mean over subset seeds."""
    truths = [task.truth(config) for config in drawn(task.space, count)]
    losses, costs = ([getattr(truth, name) for truth in truths] for name in ("loss", "cost"))
    return Draws(np.array(losses, dtype=float), np.array(costs, dtype=float))


def draw_curves(surrogate: CurveSurrogate, space: Space, count: int = DRAWS) -> Draws:
    """Draw from a surrogate of learning curves, without the noise of a training seed."""
    curves = surrogate.predict(inputs(surrogate, drawn(space, count)))
    return Draws(curves.loss[:, -1], curves.cost[:, -1])


def inputs(surrogate: CurveSurrogate, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Return the inputs of a surrogate at some configs, shape ``(configs, features)``."""
    return np.array([surrogate.inputs(config) for config in configs])
