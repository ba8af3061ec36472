"""The engine ``virtual``: simulates workers, for replays and for runs with one worker."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation
from benchmarks.engines.base import CompletedJob, Engine, Job, ignore


class Virtual(Engine):
    """Simulates ``n`` workers: an evaluation takes its cost, a suggestion its overhead.

    Evaluations run immediately, one after another, in this process; only their end times are
    simulated. With a fixed overhead, the trace of a replay therefore depends on the seed alone, for
    any number of workers, and also if the run is killed and resumed. Suggestions are made one at a
    time: meanwhile idle workers wait, and trials that end are reported afterwards.

    A task that trains may be run here, too, to simulate workers with one machine. Its observations
    are then passed to ``on_completed`` as soon as they are made, ahead of the simulated clock.
    """

    def __init__(
        self,
        task: Task,
        seed: int,
        n: int = 1,
        overhead: float | None = 0.0,
        now: float = 0.0,
        known: Mapping[int, Observation] = MappingProxyType({}),
    ) -> None:
        """Start the clock.

        Args:
            task: task to evaluate.
            seed: seed of the run.
            n: number of workers.
            overhead: seconds per suggestion; None takes the CPU seconds measured.
            now: reading of the run's clock, seconds.
            known: what trials returned, by number, that are not evaluated again.
        """
        self._known = dict(known)
        self._task, self._seed, self._overhead = task, seed, overhead
        self._now = now
        self._idle = set(range(n))
        self.on_completed: Callable[[CompletedJob], None] = ignore
        self._running: list[tuple[float, int, CompletedJob]] = []  # heap by end, then by number

    @property
    def now(self) -> float:
        return self._now

    def idle_worker(self) -> int | None:
        return min(self._idle, default=None)

    def add_overhead(self, seconds: float) -> None:
        self._now += seconds if self._overhead is None else self._overhead

    def start(self, job: Job) -> None:
        self._idle.remove(job.worker)
        seen = self._known.pop(job.number, None)
        observation = job.evaluate(self._task, self._seed) if seen is None else seen
        ended = CompletedJob(job, observation, job.start + observation.cost)
        if seen is None and not self._task.reproducible:  # a training must not be lost
            self.on_completed(ended)
        heapq.heappush(self._running, (ended.end, job.number, ended))

    def next_completed(self, wait: bool) -> CompletedJob | None:
        if not self._running or not (wait or self._running[0][0] <= self._now):
            return None
        end, _, ended = heapq.heappop(self._running)
        self._now = max(self._now, end)
        self._idle.add(ended.job.worker)
        if self._task.reproducible:
            self.on_completed(ended)
        return ended

    def close(self) -> None:
        self._running.clear()
