"""Where a run goes on: its state after what its files hold, whatever an interruption lost."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.core.protocols import Task
from benchmarks.core.read_only import ReadOnly
from benchmarks.core.trial import History, Trial
from benchmarks.engines.base import CompletedJob, Job
from benchmarks.runner.trace import Stored, Trace, trial_of


@dataclass
class State:
    """The state of a run: everything that is needed to continue it."""

    history: History
    cumulative_cost: float = 0.0
    """total cost charged so far, seconds"""
    ended: int = 0
    """number of trials in the trace"""
    pending: Sequence[CompletedJob] = ()
    """jobs that have ended, without a row in the trace yet"""
    running: Sequence[Job] = ()
    """jobs that were running when the run was interrupted"""
    lost: Sequence[int] = field(default_factory=list)
    """numbers of trials that were running, and whose suggestions a power cut lost"""
    now: float = 0.0
    """reading of the run's clock, seconds"""


def resume(trace: Trace, task: Task, rewind: bool = False) -> State:
    """Return the state of a run after all that its files hold.

    Sums are computed again from the rows. If a power cut lost the suggestion of a running trial, a
    replay goes back to the suggestion before it; a task that trains keeps all later trials, and the
    method is asked again.

    Args:
        trace: trace of the run; may be empty.
        task: task of the run.
        rewind: True goes back to the moment after the latest suggestion. With simulated workers,
            the run can then continue as if its budget had been larger from the start.

    Raises:
        DamagedError: the trace is damaged.
    """
    stored = trace.read()
    if rewind or (task.reproducible and (stored.lost or stored.asked > stored.known)):
        stored = _rewound(stored, trace)
    trace.keep(stored)
    jobs = [Job.of(row) for row in stored.running]
    pending = [CompletedJob.of(*rows) for rows in stored.pending]
    unfinished = [as_running_trial(job) for job in [*jobs, *(done.job for done in pending)]]
    trials = [*map(trial_of, stored.rows), *unfinished]
    trials += [_placeholder(number, stored) for number in stored.lost]
    history = History(sorted(trials, key=lambda trial: trial.number), task.loss_floor)
    clock = [job.start for job in jobs] + [done.end for done in pending]
    clock += [row[key] for row in stored.rows for key in ("start", "end")]
    spent = 0.0
    for row in stored.rows:  # in the order of the run, so that the sum is the same to the last bit
        spent += row["cost"]
    return State(
        history,
        spent,
        len(stored.rows),
        pending,
        jobs,
        stored.lost,
        max(clock, default=0.0),
    )


def as_running_trial(job: Job) -> Trial:
    """Return a job as a running trial of the history."""
    # A copy of the note: a method that changes it must not change the trace.
    config, note = ReadOnly(job.suggestion.config), copy.deepcopy(job.suggestion.note)
    s = job.suggestion.fidelity
    return Trial(job.number, config, s, math.nan, math.nan, "running", note, job.overhead)


def _rewound(stored: Stored, trace: Trace) -> Stored:
    """Return the trials as they were right after the latest known of them had started."""
    started = sorted(trace.started(), key=lambda row: row["trial"])
    known = [
        row
        for number, row in enumerate(started)
        if row["trial"] == number and row.get("after", 0) <= len(stored.rows)
    ]
    rows = stored.rows[: known[-1].get("after", 0)] if known else []
    done = {row["trial"] for row in rows}
    return Stored(rows, [], [row for row in known if row["trial"] not in done])


def _placeholder(number: int, stored: Stored) -> Trial:
    """Return a trial that stands for a lost one until the method has been asked again."""
    some = stored.rows[0] if stored.rows else stored.running[0]
    return Trial(number, ReadOnly(some["config"]), some["fidelity"], math.nan, math.nan, "running")
