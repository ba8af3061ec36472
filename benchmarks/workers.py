"""Where trials are evaluated, and by which clock: the engine of a run, and the one of replays."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation, Suggestion
from benchmarks.evaluation import evaluate

PURPOSES = {"suggest": 0, "recommend": 1, "evaluate": 2}


def stream(seed: int, trial: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose in one trial; needs no state to resume."""
    sequence = np.random.SeedSequence(seed, spawn_key=(trial, PURPOSES[purpose]))
    return np.random.default_rng(sequence)


@dataclass(frozen=True)
class Job:
    """A trial that a worker is to evaluate."""

    number: int
    """of the trial"""
    suggestion: Suggestion
    overhead: float
    """CPU seconds that the method took to suggest it"""
    worker: int
    """0 to n - 1"""
    start: float
    """seconds on the run's clock"""
    started: str
    """date and time at which the method was asked for it"""
    first: int
    """the trial whose random stream it continues; its own number unless a config is trained on"""
    trained: float
    """fidelity that the config has reached before; 0 for a new one"""

    def evaluate(self, task: Task, seed: int) -> Observation:
        """Evaluate it on ``task`` in a run with ``seed``."""
        rng = stream(seed, self.first, "evaluate")
        return evaluate(task, self.suggestion, rng, self.trained)

    def row(self) -> dict[str, Any]:
        """As JSON, for the file of trials that were started."""
        own = {"config": self.suggestion.config, "fidelity": self.suggestion.fidelity}
        rest = {k: v for k, v in vars(self).items() if k not in ("number", "suggestion")}
        return {"trial": self.number, **own, "note": self.suggestion.note, **rest}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Job:
        """The job of such a row."""
        rest = dict(row)
        suggestion = Suggestion(rest.pop("config"), rest.pop("fidelity"), rest.pop("note"))
        return cls(rest.pop("trial"), suggestion, **rest)


@dataclass(frozen=True)
class Ended:
    """A job that a worker is done with."""

    job: Job
    observation: Observation
    end: float
    """seconds on the run's clock"""


class Engine(Protocol):
    """Evaluates jobs on ``n`` workers; has the run's clock."""

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        ...

    def free(self) -> int | None:
        """The lowest number of an idle worker; None if all are busy."""
        ...

    def thought(self, seconds: float) -> None:
        """The method took so many CPU seconds for a suggestion."""
        ...

    def start(self, job: Job) -> None:
        """Give a job to its worker, which is idle."""
        ...

    def ended(self, wait: bool) -> Ended | None:
        """The next job to end; None if none has and, with ``wait``, none is running."""
        ...

    def close(self) -> None:
        """Stop all workers."""
        ...


class Virtual(Engine):
    """Workers in virtual time: each evaluation takes its cost, each suggestion a fixed overhead.

    Evaluations are made one after another in this process, at once; what is simulated is when they
    end. So a replay's trace is a function of the seed, for any number of workers, and so is the
    trace of a run that was killed and resumed. Suggestions are made one at a time: while the method
    thinks, idle workers wait, and what ends meanwhile is seen afterwards.
    """

    def __init__(
        self, task: Task, seed: int, n: int = 1, overhead: float | None = 0.0, now: float = 0.0
    ) -> None:
        """Start the clock.

        Args:
            task: evaluated.
            seed: of the run.
            n: number of workers.
            overhead: seconds that a suggestion takes; None for the CPU seconds it really took.
            now: where the clock stands, seconds.
        """
        self._task, self._seed, self._overhead = task, seed, overhead
        self._now = now
        self._idle = set(range(n))
        self._running: list[tuple[float, int, Ended]] = []  # a heap, by end, then number

    @property
    def now(self) -> float:
        return self._now

    def free(self) -> int | None:
        return min(self._idle, default=None)

    def thought(self, seconds: float) -> None:
        self._now += seconds if self._overhead is None else self._overhead

    def start(self, job: Job) -> None:
        self._idle.remove(job.worker)
        observation = job.evaluate(self._task, self._seed)
        ended = Ended(job, observation, job.start + observation.cost)
        heapq.heappush(self._running, (ended.end, job.number, ended))

    def ended(self, wait: bool) -> Ended | None:
        if not self._running or not (wait or self._running[0][0] <= self._now):
            return None
        end, _, ended = heapq.heappop(self._running)
        self._now = max(self._now, end)
        self._idle.add(ended.job.worker)
        return ended

    def close(self) -> None:
        self._running.clear()
