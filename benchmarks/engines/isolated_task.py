"""Evaluate any task in a worker process, which is killed at a time limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from benchmarks.components import build_task
from benchmarks.core.protocols import Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation, Truth
from benchmarks.engines.evaluate import failed, sendable
from benchmarks.settings import Component, RunSettings
from tasks.subprocess_worker import WorkerFailureError, WorkerProcess, WorkerTimeoutError

START = 600.0
"""least start-up limit of the worker process, in seconds; a longer time limit raises it"""


class IsolatedTask(Task):
    """Wrap a task so that its evaluations run in a worker process, under a time limit.

    An evaluation that exceeds the limit has the status ``timeout`` and is charged the limit; one
    that raises an exception or crashes its process is ``failed``.
    """

    def __init__(
        self,
        settings: Component | Mapping[str, Any],
        allow: Sequence[str],
        limit: float,
        threads: int = 1,
        task: Task | None = None,
    ) -> None:
        """Prepare the worker process; it starts at the first evaluation.

        Args:
            settings: settings of the task, as in ``build_task``; the process builds its own copy.
            allow: as in ``build_task``.
            limit: time limit of an evaluation, in wall seconds.
            threads: number of BLAS threads of the worker process.
            task: the task that answers everything except evaluations; None builds it.

        Raises:
            ValueError: the limit is not positive.
        """
        if not limit > 0:
            raise ValueError(f"time_limit={limit}: must be positive")
        self._task = build_task(settings, allow) if task is None else task
        start = max(START, limit) if math.isfinite(limit) else None
        self._worker = WorkerProcess(
            _evaluator, settings, list(allow), threads=threads, start_limit=start
        )
        self._limit = limit
        self.space, self.fidelities = self._task.space, self._task.fidelities
        self.version, self.loss_floor = self._task.version, self._task.loss_floor
        self.best_loss, self.target_cost = self._task.best_loss, self._task.target_cost
        self.resolution, self.caption = self._task.resolution, self._task.caption
        self.good_cost, self.baselines = self._task.good_cost, self._task.baselines
        self.sizes, self.maximise = self._task.sizes, self._task.maximise
        self.reproducible = self._task.reproducible
        self.isolated = True

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._task.identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        return self._ask("evaluate", config, fidelity, rng, fidelity=fidelity)

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        return self._ask("resume", config, trained, fidelity, rng, fidelity=fidelity)

    def limit_time(self, seconds: float) -> None:
        self._limit = min(self._limit, seconds)

    def truth(self, config: Config) -> Truth:
        return self._task.truth(config)

    def refit_test_loss(self, config: Config) -> float | None:
        return self._task.refit_test_loss(config)

    def close(self) -> None:
        self._worker.close()
        self._task.close()

    def _ask(self, kind: str, *request: Any, fidelity: float) -> Observation:
        try:
            answer: Observation = self._worker.call(kind, *request, limit=self._limit)
        except WorkerTimeoutError as error:
            return Observation(math.nan, self._limit, "timeout", None, {"error": str(error)})
        except WorkerFailureError as error:
            # without the start-up of the process, which is no part of a training
            return failed(self, fidelity, str(error), self._worker.seconds)
        return answer


def _evaluator(
    settings: Component | Mapping[str, Any], allow: Sequence[str]
) -> Callable[..., Observation]:
    task = build_task(settings, allow)
    serve: Mapping[str, Callable[..., Observation]]
    serve = {"evaluate": task.evaluate, "resume": task.resume}
    return lambda kind, *arguments: sendable(serve[kind](*arguments))


class EvaluationSettings(Struct, frozen=True):
    """The settings that decide how a trial is evaluated."""

    task: Component
    allow: tuple[str, ...]
    time_limit: float | None
    """seconds of one evaluation; None for no limit"""
    threads: int
    """number of BLAS threads"""

    @classmethod
    def of(cls, settings: RunSettings) -> EvaluationSettings:
        """Return those of a run."""
        return cls(settings.task, settings.allow, settings.time_limit, settings.threads)


def build_evaluated(settings: EvaluationSettings, isolate: bool = False) -> Task:
    """Build the task of a run, wrapped in ``IsolatedTask`` where needed.

    It is wrapped if it has no worker process of its own and there is a time limit or ``isolate``
    is True.
    """
    limit = settings.time_limit
    task = build_task(settings.task, settings.allow)
    if task.isolated:
        if limit is not None:
            task.limit_time(limit)
        return task
    if limit is None and not isolate:
        return task
    limit = math.inf if limit is None else limit
    return IsolatedTask(settings.task, settings.allow, limit, settings.threads, task)
