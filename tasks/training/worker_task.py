"""Base class of tasks whose evaluations run in a worker process of their own."""

from __future__ import annotations

import importlib
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation
from tasks.subprocess_worker import WorkerFailureError, WorkerProcess, WorkerTimeoutError

Pause = Callable[[], bool] | None
"""polled during a training, which stands still while it returns True"""


class WorkerTask(Task):
    """Evaluate in a worker process, which is killed at the time limit.

    A subclass sets ``_worker``, ``_limit``, ``_seeds`` and ``_identity`` when it is built.
    """

    reproducible = False
    isolated = True

    _worker: WorkerProcess
    _limit: float
    """time limit of an evaluation, in seconds of wall time"""
    _seeds: int
    """``evaluate`` draws a seed from 0 .. _seeds - 1"""
    _identity: Mapping[str, Any]

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        return self._train(config, fidelity, int(rng.integers(self._seeds)), None, False)

    def evaluate_replicate(
        self,
        config: Config,
        fidelity: float,
        replicate_seed: int,
        pause: Pause = None,
    ) -> Observation:
        return self._train(config, fidelity, replicate_seed, pause, True)

    @abstractmethod
    def _train(
        self, config: Config, fidelity: float, seed: int, pause: Pause, recording: bool
    ) -> Observation:
        """Train and validate a config once.

        Args:
            config: a config of the space.
            fidelity: share of a full training.
            seed: seed of the training, or of the subset that is trained on.
            pause: see ``WorkerProcess.call``.
            recording: True if the recorder asks.
        """

    def _set_baselines(self, baselines: Mapping[str, Config | None]) -> None:
        """Keep the untuned configs that gains are measured against; None is left out.

        Raises:
            ValueError: one of them is outside the space.
        """
        given = {name: config for name, config in baselines.items() if config is not None}
        for config in given.values():
            self.space.check(config)
        self.baselines = {name: {"config": dict(config)} for name, config in given.items()}

    def limit_time(self, seconds: float) -> None:
        self._limit = min(self._limit, seconds)

    def close(self) -> None:
        self._worker.close()

    def _request(
        self,
        request: tuple[Any, ...],
        info: dict[str, Any],
        pause: Pause = None,
    ) -> dict[str, Any] | Observation:
        """Return the worker's answer to a request, or the observation of a trial without one.

        Args:
            request: name of the request and its arguments.
            info: of the trial; the wall time, without pauses, or the error is added.
            pause: see ``WorkerProcess.call``.
        """
        try:
            answer: dict[str, Any] = self._worker.call(*request, limit=self._limit, pause=pause)
        except WorkerTimeoutError as error:
            info["error"] = str(error)
            return Observation(math.nan, self._limit, "timeout", None, info)
        except WorkerFailureError as error:
            info["error"] = str(error)
            return Observation(math.nan, self._worker.seconds, "failed", None, info)
        info["wall"] = self._worker.seconds
        return answer


def build_worker(module: str, options: Mapping[str, Any]) -> Callable[..., Any]:
    """Import a worker's module and build it; runs in the worker process.

    Only that process imports torch or LightGBM.

    Args:
        module: has ``Options`` and ``build(options)``, which returns the function that answers
            requests.
        options: fields of ``Options``.
    """
    loaded = importlib.import_module(module)
    built: Callable[..., Any] = loaded.build(loaded.Options(**options))
    return built


def check_time_limit(seconds: float) -> None:
    """Raise ``ValueError`` unless a task's time limit is positive."""
    if not seconds > 0:
        raise ValueError(f"task.time_limit={seconds}: must be positive")
