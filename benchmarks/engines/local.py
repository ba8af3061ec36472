"""The engine ``local``: each worker is a thread that evaluates in its own child process."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation
from benchmarks.engines.base import CompletedJob, Job, RealTime

MAX_BUILD_FAILURES = 3
"""the run ends once a worker has failed this often to build its task, to waste no more trials"""


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
        super().__init__(n, now)
        self._build, self._seed = build, seed
        self._inboxes: dict[int, queue.SimpleQueue[Job | None]] = {}
        self._ended: queue.SimpleQueue[CompletedJob | BaseException] = queue.SimpleQueue()
        self._n = n
        self._tasks: list[Task] = []
        self._threads: list[threading.Thread] = []

    def start(self, job: Job) -> None:
        self._idle.remove(job.worker)
        if job.worker not in self._inboxes:
            inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
            self._inboxes[job.worker] = inbox
            # A daemon thread does not keep a failed run alive; its child dies with this process.
            thread = threading.Thread(target=self._work, args=(inbox,), daemon=True)
            self._threads.append(thread)
            thread.start()
        self._inboxes[job.worker].put(replace(job, start=self.now))

    def next_completed(self, wait: bool) -> CompletedJob | None:
        if wait and len(self._idle) == self._n:
            return None
        try:
            ended = self._ended.get(block=wait)
        except queue.Empty:
            return None
        if isinstance(ended, BaseException):
            raise ended
        self._idle.add(ended.job.worker)
        return ended

    def close(self) -> None:
        for inbox in self._inboxes.values():
            inbox.put(None)
        busy = True
        while busy:  # repeat: a thread may be about to start its child
            busy = any(thread.is_alive() for thread in self._threads)
            for task in list(self._tasks):  # kills the evaluation; the thread then gets the None
                task.close()
            time.sleep(0.01 if busy else 0)

    def _work(self, inbox: queue.SimpleQueue[Job | None]) -> None:
        task, failures = None, 0
        try:
            while (job := inbox.get()) is not None:
                try:
                    if task is None:
                        task = self._build()
                        self._tasks.append(task)
                except Exception as error:
                    failures += 1
                    if failures == MAX_BUILD_FAILURES:
                        raise
                    problem = f"the task could not be built here: {type(error).__name__}: {error}"
                    observation = Observation(math.nan, 0.0, "failed", None, {"error": problem})
                else:
                    observation = job.evaluate(task, self._seed)
                self._ended.put(CompletedJob(job, observation, self.now))
        except BaseException as error:  # next_completed raises it in the main thread
            self._ended.put(error)
