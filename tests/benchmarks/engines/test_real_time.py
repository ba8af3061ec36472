"""Engines on the real clock."""

import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines.base import CompletedJob, Job
from benchmarks.engines.real_time import RealTime


def job(number: int, worker: int) -> Job:
    return Job(number, Suggestion({}, 1.0), 0.0, worker, 0.0, "", number, 0.0)


class Threads(RealTime):
    def close(self) -> None:
        self._executor.shutdown()


def test_trials_that_end_at_once_are_returned_in_the_order_of_their_ends() -> None:
    """A slow disk holds the first of them up; the second has to wait."""
    recorded: list[float] = []

    def record(completed: CompletedJob) -> None:
        time.sleep(0.02 if completed.job.number % 2 else 0.0)
        recorded.append(completed.end)

    pool = ThreadPoolExecutor(8)
    engine = Threads(pool, lambda job: Observation(0.0, 1.0), 8, now=0.0)
    engine.on_completed = record
    ends = []
    for first in range(0, 80, 8):
        for number in range(first, first + 8):
            worker = engine.idle_worker()
            assert worker is not None
            engine.start(job(number, worker))
        for _ in range(8):
            completed = engine.next_completed(wait=True)
            assert completed is not None
            ends.append(completed.end)
    engine.close()
    assert ends == sorted(ends) == recorded
