"""The two seams: what a method is, what a task is. Subclass either for its defaults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Observation, Suggestion, Truth


class Method(ABC):
    """A tuning method: a function of the history, built from ``(space, fidelities, **options)``.

    A fresh object and a used one return the same for the same history and rng, so a run is
    resumed by calling it again. All randomness comes from ``rng``.
    """

    version: int = 1
    """raised whenever the same input would give another suggestion; part of a run's key"""

    reproducible: bool = True
    """False if suggestions depend on a clock reading"""

    cpu_elsewhere: float = 0.0
    """CPU seconds used so far by processes of its own; they count as overhead, too"""

    @abstractmethod
    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
        """Say what to evaluate next; None for nothing before a running trial ends.

        The history holds running trials, too: ``status`` is ``running``, loss and cost are NaN.
        None is allowed only while there is one; the method is asked again when the next trial has
        ended, with the random stream of the same trial number.
        """

    @abstractmethod
    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        """Name the config the method would deploy now; None before it has an opinion."""


class Task(ABC):
    """A tuning problem: a function of a config and a fidelity."""

    space: Space
    fidelities: Fidelities = Fidelities()
    version: int = 1
    """raised whenever the same evaluation would give another loss; part of a run's key"""
    loss_floor: float = 0.0
    """smallest loss that means anything (half a validation example)"""
    best_loss: float | None = None
    """true loss at the target of the best config known: what regret is measured from"""
    target_cost: float | None = None
    """what one evaluation at the target costs in the median, seconds; None if not known"""
    resolution: float | None = None
    """true losses closer than this are not told apart: a replay's median interpolation error among
    good configs; 0 where the truth is exact, None if not known"""
    caption: str = ""
    """what must be said wherever results of the task are shown"""
    sizes: Mapping[str, int] = MappingProxyType({})
    """what it is trained and judged on, in numbers, e.g. ``{"validation rows": 10000}``"""
    reproducible: bool = True
    """True if the same config, fidelity and rng give the same loss and cost (no clock in it)"""
    isolated: bool = False
    """True if no evaluation can hang or take the run down: it runs in a process of the task's own,
    or only looks something up. Such a task takes the run's limit through ``limit_time``"""
    private_checkpoints: bool = False
    """True if a config can only be continued in the process that trained it"""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON-able facts that make this task what it is (data hash, table hash, backend)."""
        return {}

    @abstractmethod
    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        """Train and validate once; charged to the budget."""

    def evaluate_replicate(
        self,
        config: Config,
        fidelity: float,
        replicate_seed: int,
        pause: Callable[[], bool] | None = None,
    ) -> Observation:
        """Evaluate one named replicate: a subset of the data, or a training seed. For recorders.

        Args:
            config: in the space.
            fidelity: a share in (0, 1].
            replicate_seed: what ``evaluate`` draws from its rng. By default it seeds that rng.
            pause: asked while the config trains; the training stops as long as it returns True.
        """
        del pause
        return self.evaluate(config, fidelity, np.random.default_rng(replicate_seed))

    def reference_seconds(self) -> float | None:
        """Return the CPU seconds of a fixed piece of work of the kind of the training, done now.

        A recorder tells by it how fast the core is. None: it has a kernel of its own.
        """
        return None

    def limit_time(self, seconds: float) -> None:
        """Kill evaluations after so many wall seconds, if that is less than the task's own limit.

        Called before the first evaluation, of ``isolated`` tasks only.
        """
        return None

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        """Train a config on, from fidelity ``trained``; asked for if ``fidelities.resumable``.

        ``rng`` is in the state in which ``evaluate`` of this config had it. Charged is what this
        took; ``info["restart_cost"]`` is what training from the start would have cost, in seconds.
        By default both are evaluated and the difference is charged: for replays.
        """
        state = rng.bit_generator.state
        before = self.evaluate(config, trained, rng)
        rng.bit_generator.state = state
        whole = self.evaluate(config, fidelity, rng)
        ended_well = before.status == whole.status == "ok"
        cost = max(whole.cost - before.cost, 0.0) if ended_well else whole.cost
        return replace(whole, cost=cost, info={**whole.info, "restart_cost": whole.cost})

    def truth(self, config: Config) -> Truth:
        """What is known of ``config`` at the target; never charged."""
        return Truth()

    def refit_test_loss(self, config: Config) -> float | None:
        """Test loss after refitting on training + validation rows; never charged, and never
        mixed with ``test_loss``. Asked of recommended configs only; None where not wanted.
        """
        return None

    def close(self) -> None:
        """Give back what the task holds (child processes, files)."""
        return None
