"""Workers on this machine: a thread each, which evaluates in a child process of its own."""

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

FAILURES = 3
"""times that a worker may fail to build its task: a run must not spend its trials on that"""


class Local(RealTime):
    """``n`` workers of this machine, on the real clock."""

    def __init__(self, build: Callable[[], Task], seed: int, n: int, now: float = 0.0) -> None:
        """Start no worker before it has something to do.

        Args:
            build: makes a worker's task; it evaluates in a process of its own.
            seed: of the run.
            n: number of workers.
            now: where the run's clock stands, seconds.
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
            # a daemon: a run that ends early does not wait for it, and its child dies with us
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
        while busy:  # again until all have ended: one may be about to start its process
            busy = any(thread.is_alive() for thread in self._threads)
            for task in list(self._tasks):  # kills what is evaluated; the thread finds the None
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
                    if failures == FAILURES:
                        raise
                    problem = f"the task could not be built here: {type(error).__name__}: {error}"
                    observation = Observation(math.nan, 0.0, "failed", None, {"error": problem})
                else:
                    observation = job.evaluate(task, self._seed)
                self._ended.put(CompletedJob(job, observation, self.now))
        except BaseException as error:  # handed to the loop, which raises it
            self._ended.put(error)
