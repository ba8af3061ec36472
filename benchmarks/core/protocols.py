"""The interfaces of the suite: subclass ``Method`` or ``Task`` to add your own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.core.records import Baseline
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Observation, Suggestion, Truth


class Method(ABC):
    """A tuning method; its constructor is called with ``(space, fidelities, **options)``.

    ``suggest`` and ``recommend`` depend on their arguments only: a new object and a used one
    return the same for the same history and rng. A run is resumed by calling them again. Take all
    randomness from ``rng``.
    """

    version: int = 1
    """version of the behaviour: increase it whenever the same input would give another suggestion;
    part of a run's key"""

    reproducible: bool = True
    """True if suggestions depend on history and rng only; False if on a clock reading"""

    uses_budget: bool = False
    """True if suggestions depend on the run's budget, which then is part of the run's key"""

    cpu_elsewhere: float = 0.0
    """CPU seconds used so far by child processes of the method; counted as overhead"""

    @abstractmethod
    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
        """Return the evaluation to start next, or None to wait until a running trial ends.

        The history includes running trials: their ``status`` is ``running``, their loss and cost
        are NaN. None is allowed only while a trial is running; the method is called again when the
        next trial has ended, with the random stream of the same trial number.
        """

    @abstractmethod
    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        """Return the config that the method would deploy now; None if it has none yet."""


class Task(ABC):
    """A tuning problem: evaluates configs at fidelities."""

    space: Space
    fidelities: Fidelities = Fidelities()
    version: int = 1
    """version of the behaviour: increase it whenever the same evaluation would give another loss;
    part of a run's key"""
    loss_floor: float = 0.0
    """smallest meaningful loss (half a validation example); lower losses are raised to it before
    logarithms are taken"""
    best_loss: float | None = None
    """true loss of the best known config at the target fidelity, the zero of regret; None if not
    known"""
    target_cost: float | None = None
    """median cost of one evaluation at the target fidelity, seconds; None if not known"""
    good_cost: float | None = None
    """the same over the best tenth of random configs, by their true losses; None if not known"""
    baselines: Mapping[str, Baseline] = MappingProxyType({})
    """untuned configs that gains are measured against, by name: ``default`` is what a framework or
    its tutorial gives, ``talk`` what the talk started from"""
    resolution: float | None = None
    """difference below which two true losses cannot be told apart: on a replay, the median
    interpolation error among good configs; 0 if the truth is exact, None if not known"""
    caption: str = ""
    """caveat to print wherever results of the task are shown"""
    sizes: Mapping[str, int] = MappingProxyType({})
    """sizes of the training, validation and test data, e.g. ``{"validation rows": 10000}``"""
    reproducible: bool = False
    """True only for a replay or a formula: loss and cost depend on config, fidelity and rng alone,
    and an evaluation takes no time worth counting, so that workers are simulated in virtual time.
    False: the task trains; its workers are real and its times are read from a clock"""
    maximise: bool = False
    """True if ``evaluate`` and ``truth`` return values to maximise, such as accuracies; the runner
    negates them, and the trace has both ``value`` and ``loss``. ``best_loss`` is then the highest
    value, and ``loss_floor`` is not used"""
    isolated: bool = False
    """True if an evaluation can neither hang nor crash the run, because it runs in a child process
    of the task or is a look-up; the runner then passes its time limit to ``limit_time``"""
    private_checkpoints: bool = False
    """True if only the process that trained a config can resume its training"""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON-able values that identify the task (hash of its data or table, backend).

        They are part of a run's key.
        """
        return {}

    @abstractmethod
    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        """Train and validate ``config`` once; the cost is charged to the budget.

        An exception makes the trial ``failed``, a loss that is not finite makes it ``diverged``.

        Args:
            config: in the space.
            fidelity: share of the full training, one of those that the task offers.
            rng: source of all randomness.
        """

    def evaluate_replicate(
        self,
        config: Config,
        fidelity: float,
        replicate_seed: int,
        pause: Callable[[], bool] | None = None,
    ) -> Observation:
        """Evaluate one numbered replicate (a data subset or a training seed); for recorders.

        Args:
            config: in the space.
            fidelity: share of the full training, in (0, 1].
            replicate_seed: takes the place of the seed that ``evaluate`` draws from its rng. The
                default implementation seeds that rng with it.
            pause: polled during training, which is suspended while it returns True. The default
                implementation ignores it.
        """
        del pause
        return self.evaluate(config, fidelity, np.random.default_rng(replicate_seed))

    def reference_seconds(self) -> float | None:
        """Return the CPU seconds of a fixed amount of work like the training, measured now.

        A recorder tracks the speed of the core with it. None: it times its own kernel instead.
        """
        return None

    def limit_time(self, seconds: float) -> None:
        """Kill evaluations that take longer than ``seconds`` of wall time.

        A lower limit that the task has already stays in force. Called before the first evaluation,
        on ``isolated`` tasks only.
        """
        return None

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        """Resume the training of ``config`` from fidelity ``trained``, up to ``fidelity``.

        Called only if ``fidelities.resumable``. The default implementation, meant for replays,
        evaluates both fidelities and charges the difference.

        Args:
            config: config that was trained before.
            trained: fidelity reached so far, below ``fidelity``.
            fidelity: share of the full training, one of those that the task offers.
            rng: in the state that the first ``evaluate`` of this config received.

        Returns:
            The observation at ``fidelity``. Its cost is that of the continuation alone;
            ``info["restart_cost"]`` is the cost of training from the start, seconds; ``curve`` has
            the losses above ``trained`` only.
        """
        state = rng.bit_generator.state
        before = self.evaluate(config, trained, rng)
        rng.bit_generator.state = state
        whole = self.evaluate(config, fidelity, rng)
        # also of a training that diverges on the way: what was trained before has been paid for
        cost = max(whole.cost - before.cost, 0.0) if before.status == "ok" else whole.cost
        info = {**whole.info, "restart_cost": whole.cost}
        paid = tuple(pair for pair in whole.curve if pair[0] > trained)
        return replace(whole, cost=cost, info=info, curve=paid)

    def truth(self, config: Config) -> Truth:
        """Return the true losses and the cost of ``config`` at the target; never charged."""
        return Truth()

    def refit_test_loss(self, config: Config) -> float | None:
        """Return the test loss after refitting on training and validation rows, or None.

        Called for recommended configs only, never charged, and reported apart from ``test_loss``.
        """
        return None

    def close(self) -> None:
        """Release the resources of the task (child processes, files)."""
        return None
