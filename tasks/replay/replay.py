"""Base class of replays: draw one of the recorded seeds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.records import Baseline
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation


class Replay(Task):
    """Evaluate by looking up; a subclass sets ``_identity`` when it is built."""

    reproducible = True
    isolated = True

    _identity: Mapping[str, Any]

    def _set_baselines(
        self, given: Mapping[str, Config | None], known: Mapping[str, Baseline]
    ) -> None:
        """Keep the untuned configs that gains are measured against.

        Args:
            given: configs of the task's options, by name; None is that of the table.
            known: what the table says of those that it was written with.

        Raises:
            ValueError: one of them is outside the space.
        """
        found = dict(known)
        for name, config in given.items():
            if config is None:
                continue
            self.space.check(config)
            numbers = self.space.numbers(config)
            if name not in known or self.space.numbers(known[name]["config"]) != numbers:
                truth = self.truth(config)
                found[name] = {
                    "config": dict(config), "loss": truth.loss, "test_loss": truth.test_loss
                }  # fmt: skip
        self.baselines = found

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
