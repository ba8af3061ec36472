"""The engine ``local``: each worker is a thread that evaluates in its own child process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation
from benchmarks.engines.base import Job
from benchmarks.engines.real_time import RealTime


class BuildError(RuntimeError):
    """A worker could not build its task."""


class Local(RealTime):
    """Runs ``n`` workers on this machine, on the real clock."""

    def __init__(self, build: Callable[[], Task], seed: int, n: int, now: float = 0.0) -> None:
        """Create the engine; a worker starts with its first job.

        Args:
            build: builds the task of a worker, which must evaluate in its own child process.
            seed: seed of the run.
            n: number of workers.
            now: reading of the run's clock, seconds.
        """
        self._threads = ThreadPoolExecutor(n, "worker")
        super().__init__(self._threads, self._evaluate_here, n, now)
        self._build, self._seed = build, seed
        self._own = threading.local()
        self._tasks: list[Task] = []

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        ended = threading.Thread(target=self._threads.shutdown)
        ended.start()
        while ended.is_alive():
            # Closing a task kills its evaluation. Repeat: a thread may be about to start its child.
            for task in list(self._tasks):
                task.close()
            ended.join(0.01)
        for task in self._tasks:
            task.close()

    def _evaluate_here(self, job: Job) -> Observation:
        if not hasattr(self._own, "task"):
            try:
                self._own.task = self._build()
            except Exception as error:
                problem = f"the task could not be built here: {type(error).__name__}: {error}"
                raise BuildError(problem) from error
            self._tasks.append(self._own.task)
        return job.evaluate(self._own.task, self._seed)
