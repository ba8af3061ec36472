"""Engines on the real clock: evaluate jobs through an executor of ``concurrent.futures``."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation
from benchmarks.engines.base import CompletedJob, Engine, Job, ignore

MAX_FAILURES = 3
"""the run ends after this number of worker failures in a row, so that no more trials are wasted"""
CHECK_INTERVAL = 1.0
"""seconds between calls of ``check``, while no job completes"""


class WorkerFailuresError(RuntimeError):
    """The workers fail before they evaluate anything, for example for want of a module."""


@dataclass(frozen=True)
class WorkerFailure:
    """A worker failed before it had evaluated its job."""

    job: Job
    error: BaseException
    end: float


class RealTime(Engine):
    """Evaluates each job with ``executor.submit(evaluate, job)``; base class of both engines.

    An evaluation returns an observation whatever the task does. An exception is therefore a failure
    of the worker: the trial is ``failed`` and is charged the time that passed.
    """

    def __init__(
        self, executor: Executor, evaluate: Callable[[Job], Observation], n: int, now: float
    ) -> None:
        """Start the clock at ``now`` seconds, with ``n`` idle workers.

        The clock does not count the time between the end of an interrupted run and its resumption.
        """
        self._executor, self._evaluate, self._n = executor, evaluate, n
        self._zero = time.monotonic() - now
        self._idle = set(range(n))
        self._running: set[int] = set()
        self._completed: queue.SimpleQueue[CompletedJob | WorkerFailure | BaseException]
        self._completed = queue.SimpleQueue()
        self._in_order = threading.Lock()
        self.on_completed: Callable[[CompletedJob], None] = ignore
        self._failures = 0

    @property
    def now(self) -> float:
        return time.monotonic() - self._zero

    def idle_worker(self) -> int | None:
        return min(self._idle, default=None)

    def add_overhead(self, seconds: float) -> None:
        return  # the real clock includes it already

    def start(self, job: Job) -> None:
        self._idle.remove(job.worker)
        job = replace(job, start=self.now)
        self._running.add(job.number)
        future = self._executor.submit(self._evaluate, job)

        def complete(future: Future[Observation]) -> None:
            with self._in_order:  # two threads may complete at once: keep the order of the ends
                self._completed.put(self._complete(job, future))

        future.add_done_callback(complete)

    def next_completed(self, wait: bool) -> CompletedJob | None:
        while self._running:
            try:
                completed = self._completed.get(block=wait, timeout=CHECK_INTERVAL)
            except queue.Empty:
                self.check()
                if not wait:
                    return None
            else:
                if isinstance(completed, WorkerFailure):
                    completed = self._as_failed(completed)
                if isinstance(completed, BaseException):
                    raise completed
                self._running.remove(completed.job.number)
                self._idle.add(completed.job.worker)
                return completed
        return None

    def check(self) -> None:
        """Raise if no running job can complete any more."""
        return

    def problem(self, error: BaseException) -> str:
        """Describe the failure of a worker in one line, or raise if it ends the run."""
        self._failures += 1
        last_line = str(error).strip().rpartition("\n")[2]  # some messages contain a traceback
        text = f"{type(error).__name__}: {last_line}"
        if self._failures == MAX_FAILURES:
            raise WorkerFailuresError(f"{MAX_FAILURES} failures in a row: {text}") from error
        return text

    def _complete(
        self, job: Job, future: Future[Observation]
    ) -> CompletedJob | WorkerFailure | BaseException:
        """Return what the main thread receives; called in a thread of the executor."""
        end = self.now
        try:
            completed = CompletedJob(job, future.result(), end)
        except BaseException as error:
            return WorkerFailure(job, error, end)
        try:
            self.on_completed(completed)
        except BaseException as error:  # the disk is full
            return error
        self._failures = 0
        return completed

    def _as_failed(self, failure: WorkerFailure) -> CompletedJob:
        info = {"error": self.problem(failure.error)}
        seconds = max(failure.end - failure.job.start, 0.0)
        observation = Observation(math.nan, seconds, "failed", None, info)
        completed = CompletedJob(failure.job, observation, failure.end)
        self.on_completed(completed)
        return completed


class _AtOnce(Executor):
    """Evaluates in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Serial(RealTime):
    """Evaluates in this process, one job after another, on the real clock."""

    def __init__(self, task: Task, seed: int, now: float = 0.0) -> None:
        """Create the engine.

        Args:
            task: task to evaluate.
            seed: seed of the run.
            now: reading of the run's clock, seconds.
        """
        super().__init__(_AtOnce(), lambda job: job.evaluate(task, seed), 1, now)

    def close(self) -> None:
        return
