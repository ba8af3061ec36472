"""Where trials are evaluated, and by which clock: the engine of a run, and the one of replays."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines.evaluate import evaluate

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
class CompletedJob:
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

    def idle_worker(self) -> int | None:
        """The lowest number of an idle worker; None if all are busy."""
        ...

    def add_overhead(self, seconds: float) -> None:
        """The method took so many CPU seconds for a suggestion."""
        ...

    def start(self, job: Job) -> None:
        """Give a job to its worker, which is idle."""
        ...

    def next_completed(self, wait: bool) -> CompletedJob | None:
        """The next job to end; None if none has and, with ``wait``, none is running."""
        ...

    def close(self) -> None:
        """Stop all workers."""
        ...


class RealTime(Engine):
    """What engines on the real clock share: it goes on from where a run's clock stood."""

    def __init__(self, n: int, now: float) -> None:
        """``n`` idle workers, and the clock at ``now`` seconds; the time between being killed and
        resumed is not on it.
        """
        self._zero = time.monotonic() - now
        self._idle = set(range(n))

    @property
    def now(self) -> float:
        return time.monotonic() - self._zero

    def idle_worker(self) -> int | None:
        return min(self._idle, default=None)

    def add_overhead(self, seconds: float) -> None:
        return  # the clock has seen it
