"""Replay a task as if its trainings took so many hours: ``task.hours_per_training``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.records import Baseline
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation, Truth

HOUR = 3600.0  # seconds


class ScaledCosts(Task):
    """Wrap a task and multiply all its costs by one factor; nothing else changes."""

    reproducible = True

    def __init__(self, task: Task, hours: float) -> None:
        """Choose the factor.

        Args:
            task: a replay or a formula.
            hours: what a training of a good config is to cost.

        Raises:
            ValueError: the task trains for real, does not know ``good_cost``, or ``hours`` is not
                positive.
        """
        given = f"task.hours_per_training={hours}"
        number = isinstance(hours, int | float) and not isinstance(hours, bool)
        if not number or not 0 < hours < math.inf:
            raise ValueError(f"{given}: must be a positive number")
        if not task.reproducible:
            raise ValueError(f"{given}: the task trains for real, so its costs are what they are")
        if not task.good_cost:
            raise ValueError(f"{given}: the task does not know its good_cost")
        self._task, self._factor = task, hours * HOUR / task.good_cost
        self.space, self.fidelities, self.version = task.space, task.fidelities, task.version
        self.loss_floor, self.best_loss = task.loss_floor, task.best_loss
        self.resolution, self.sizes = task.resolution, task.sizes
        scaled = f"costs scaled to {hours:g} h for a training of a good config"
        self.caption = f"{task.caption}; {scaled}" if task.caption else scaled
        self.maximise, self.isolated = task.maximise, task.isolated
        self.baselines = {name: self._untuned(each) for name, each in task.baselines.items()}
        self.good_cost = hours * HOUR
        self.target_cost = None if task.target_cost is None else task.target_cost * self._factor

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._task.identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        return self._scaled(self._task.evaluate(config, fidelity, rng))

    def evaluate_replicate(
        self,
        config: Config,
        fidelity: float,
        replicate_seed: int,
        pause: Callable[[], bool] | None = None,
    ) -> Observation:
        return self._scaled(self._task.evaluate_replicate(config, fidelity, replicate_seed, pause))

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        return self._scaled(self._task.resume(config, trained, fidelity, rng))

    def truth(self, config: Config) -> Truth:
        truth = self._task.truth(config)
        return replace(truth, cost=None if truth.cost is None else truth.cost * self._factor)

    def refit_test_loss(self, config: Config) -> float | None:
        return self._task.refit_test_loss(config)

    def limit_time(self, seconds: float) -> None:
        self._task.limit_time(seconds)

    def close(self) -> None:
        self._task.close()

    def _untuned(self, known: Baseline) -> Baseline:
        cost = known.get("cost")
        return known if cost is None else {**known, "cost": cost * self._factor}

    def _scaled(self, seen: Observation) -> Observation:
        info = dict(seen.info)
        if "restart_cost" in info:
            info["restart_cost"] *= self._factor
        return replace(seen, cost=seen.cost * self._factor, info=info)
