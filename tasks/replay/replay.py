"""Base class of replays: draw one of the recorded seeds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation


class Replay(Task):
    """Evaluate by looking up; a subclass sets ``_identity`` when it is built."""

    reproducible = True
    isolated = True

    _identity: Mapping[str, Any]

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        seeds = self.seeds(config, fidelity)
        return self.replay(config, fidelity, seeds[int(rng.integers(len(seeds)))])

    @abstractmethod
    def seeds(self, config: Config, fidelity: float) -> Sequence[int]:
        """Return the seeds that ``evaluate`` draws from, in rising order."""

    @abstractmethod
    def replay(self, config: Config, fidelity: float, seed: int) -> Observation:
        """Return the observation of ``evaluate`` for one of ``seeds``."""
