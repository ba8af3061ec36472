"""Engines evaluate the trials of a run on workers and keep its clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.records import EndedRow, StartedRow, checked
from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines.evaluate import evaluate

PURPOSES = {"suggest": 0, "recommend": 1, "evaluate": 2}


def stream(seed: int, trial: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose in one trial.

    It depends on the arguments only, so a resumed run needs no saved state.

    Args:
        seed: seed of the run.
        trial: number of the trial.
        purpose: a key of ``PURPOSES``.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(trial, PURPOSES[purpose]))
    return np.random.default_rng(sequence)


@dataclass(frozen=True)
class Job:
    """A trial assigned to a worker."""

    number: int
    """number of the trial"""
    suggestion: Suggestion
    overhead: float
    """CPU seconds that the method took for the suggestion"""
    worker: int
    """number of the worker, 0 to n - 1"""
    start: float
    """start of the evaluation, seconds on the run's clock"""
    started: str
    """date and time when the method was asked for the suggestion, ISO 8601"""
    first: int
    """number of the trial whose random stream the evaluation uses: on resumable tasks the config's
    first ok trial, otherwise (and for a new config) this trial"""
    trained: float
    """fidelity from which the training of the config is resumed; 0 to train from the start"""
    after: int = 0
    """number of trials that had ended when the method was asked"""

    def evaluate(self, task: Task, seed: int) -> Observation:
        """Evaluate the job on ``task``; ``seed`` is that of the run."""
        rng = stream(seed, self.first, "evaluate")
        return evaluate(task, self.suggestion, rng, self.trained)

    def row(self) -> StartedRow:
        """Return the row of ``started.jsonl`` for this job."""
        fields = {"config": self.suggestion.config, "fidelity": self.suggestion.fidelity}
        rest = {k: v for k, v in vars(self).items() if k not in ("number", "suggestion")}
        row = {"trial": self.number, **fields, "note": self.suggestion.note, **rest}
        return checked(row, StartedRow)

    @classmethod
    def of(cls, row: StartedRow) -> Job:
        """Build the job from a row that ``row`` returned."""
        suggestion = Suggestion(row["config"], row["fidelity"], row["note"])
        return cls(
            row["trial"],
            suggestion,
            row["overhead"],
            row["worker"],
            row["start"],
            row["started"],
            row["first"],
            row["trained"],
            row.get("after", 0),
        )


@dataclass(frozen=True)
class CompletedJob:
    """A job whose evaluation has ended."""

    job: Job
    observation: Observation
    end: float
    """end of the evaluation, seconds on the run's clock"""

    def row(self, asked: int) -> EndedRow:
        """Return the row of ``ended.jsonl``; ``asked`` is the number of trials started so far."""
        seen = self.observation
        row = {
            "trial": self.job.number,
            "status": seen.status,
            "loss": seen.loss if seen.status == "ok" else None,
            "test_loss": seen.test_loss,
            "cost": seen.cost,
            "info": seen.info,
            "end": self.end,
            "asked": asked,
        }
        made = checked(row, EndedRow)
        if seen.curve:  # plain numbers; to check each of them again would take long
            made["curve"] = list(seen.curve)
        return made

    @classmethod
    def of(cls, started: StartedRow, row: EndedRow) -> CompletedJob:
        """Build it from the rows that were written when it started and when it had ended."""
        loss = math.nan if row["loss"] is None else row["loss"]
        info, curve = row["info"], tuple(row.get("curve", ()))
        seen = Observation(loss, row["cost"], row["status"], row["test_loss"], info, curve)
        return cls(Job.of(started), seen, row["end"])


class Engine(Protocol):
    """Evaluates jobs on ``n`` workers and keeps the run's clock."""

    on_completed: Callable[[CompletedJob], None]
    """called as soon as a job has completed, possibly in another thread"""

    @property
    def now(self) -> float:
        """Reading of the run's clock, seconds since the run began."""
        ...

    def idle_worker(self) -> int | None:
        """Return the lowest number of an idle worker; None if all are busy."""
        ...

    def add_overhead(self, seconds: float) -> None:
        """Account for the CPU ``seconds`` that the method took for a suggestion."""
        ...

    def start(self, job: Job) -> None:
        """Start a job on its worker, which must be idle."""
        ...

    def next_completed(self, wait: bool) -> CompletedJob | None:
        """Return the next completed job.

        Args:
            wait: True blocks until a job completes, and returns None only if none is running;
                False returns None if none has completed yet.
        """
        ...

    def close(self) -> None:
        """Stop all workers."""
        ...


def ignore(completed: CompletedJob) -> None:
    """Do nothing with a completed job."""
    del completed
