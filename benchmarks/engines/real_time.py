"""Engines on the real clock: evaluate jobs through an executor of ``concurrent.futures``."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace

from benchmarks.core.trial import Observation
from benchmarks.engines.base import CompletedJob, Engine, Job

MAX_FAILURES = 3
"""the run ends after this number of worker failures in a row, so that no more trials are wasted"""
CHECK_INTERVAL = 1.0
"""seconds between calls of ``check``, while no job completes"""


class WorkerFailuresError(RuntimeError):
    """The workers fail before they evaluate anything, for example for want of a module."""


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
        self._running: dict[Future[Observation], Job] = {}
        self._completed: queue.SimpleQueue[Future[Observation]] = queue.SimpleQueue()
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
        future = self._executor.submit(self._evaluate, job)
        self._running[future] = job
        future.add_done_callback(self._completed.put)

    def next_completed(self, wait: bool) -> CompletedJob | None:
        while self._running:
            try:
                future = self._completed.get(block=wait, timeout=CHECK_INTERVAL)
            except queue.Empty:
                self.check()
                if not wait:
                    return None
            else:
                job = self._running.pop(future)
                self._idle.add(job.worker)
                return CompletedJob(job, self._observation(future, job), self.now)
        return None

    def check(self) -> None:
        """Raise if no running job can complete any more."""
        return

    def problem(self, error: BaseException, future: Future[Observation]) -> str:
        """Describe the failure of a worker in one line, or raise if it ends the run."""
        del future
        self._failures += 1
        last_line = str(error).strip().rpartition("\n")[2]  # some messages contain a traceback
        text = f"{type(error).__name__}: {last_line}"
        if self._failures == MAX_FAILURES:
            raise WorkerFailuresError(f"{MAX_FAILURES} failures in a row: {text}") from error
        return text

    def _observation(self, future: Future[Observation], job: Job) -> Observation:
        try:
            observation = future.result()
        except BaseException as error:
            problem = self.problem(error, future)
            seconds = self.now - job.start
            return Observation(math.nan, seconds, "failed", None, {"error": problem})
        self._failures = 0
        return observation
