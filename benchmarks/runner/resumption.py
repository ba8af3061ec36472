"""Where a run goes on: its state after what its files hold, whatever an interruption lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.core.protocols import Task
from benchmarks.core.read_only import read_only
from benchmarks.core.trial import History, Observation, Trial
from benchmarks.engines.base import CompletedJob, Job
from benchmarks.runner.checkpoints import Checkpoints
from benchmarks.runner.trace import Stored, Trace, ended_row, trial_of


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
    known: Mapping[int, Observation] = field(default_factory=dict)
    """what trials in ``running`` have returned, with simulated workers on a task that trains"""
    now: float = 0.0
    """reading of the run's clock, seconds"""
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    """of the trials in the history that a suggestion has looked for"""


def resume(trace: Trace, task: Task, rewind: bool = False, simulated: bool = False) -> State:
    """Return the state of a run after all that its files hold.

    Sums are computed again from the rows. If a power cut lost the suggestion of a running trial, a
    replay goes back to the suggestion before it; a task that trains keeps all later trials, and the
    method is asked again.

    Args:
        trace: trace of the run; may be empty.
        task: task of the run.
        rewind: True goes back to the moment after the latest suggestion. With simulated workers,
            the run can then continue as if its budget had been larger from the start. No training
            is repeated: what trials returned is kept.
        simulated: True if the clock of the workers is simulated. Trials of a task that trains may
            then have been evaluated before they ended on that clock; they are still running on it.

    Raises:
        DamagedError: the trace is damaged.
    """
    stored = trace.read()
    if rewind or (task.reproducible and (stored.lost or stored.asked > stored.known)):
        stored = _rewound(stored, trace, keep_all=not task.reproducible)
    trace.keep(stored, sync=not task.reproducible)
    jobs = [Job.of(row) for row in stored.running]
    pending = [CompletedJob.of(*rows) for rows in stored.pending]
    known: dict[int, Observation] = {}
    if simulated and not task.reproducible:
        known = {done.job.number: done.observation for done in pending}
        jobs = sorted([*jobs, *(done.job for done in pending)], key=lambda job: job.number)
        pending = []
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
        known,
        max(clock, default=0.0),
    )


def as_running_trial(job: Job) -> Trial:
    """Return a job as a running trial of the history."""
    config, note = read_only(job.suggestion.config), read_only(job.suggestion.note)
    s = job.suggestion.fidelity
    return Trial(job.number, config, s, math.nan, math.nan, "running", note, job.overhead)


def _rewound(stored: Stored, trace: Trace, keep_all: bool) -> Stored:
    """Return the trials as they were right after the latest known of them had started.

    Args:
        stored: what the files hold.
        trace: trace of the run.
        keep_all: True keeps what later trials returned, in ``pending``.
    """
    started = sorted(trace.started(), key=lambda row: row["trial"])
    known = [
        row
        for number, row in enumerate(started)
        if row["trial"] == number and row.get("after", 0) <= len(stored.rows)
    ]
    rows = stored.rows[: known[-1].get("after", 0)] if known else []
    done = {row["trial"] for row in rows}
    running = [row for row in known if row["trial"] not in done]
    if not keep_all:
        return Stored(rows, [], running)
    ended = {started["trial"]: row for started, row in stored.pending}
    ended |= {row["trial"]: ended_row(row, len(known)) for row in stored.rows}
    pending = [(row, ended[row["trial"]]) for row in running if row["trial"] in ended]
    return Stored(rows, pending, [row for row in running if row["trial"] not in ended])


def _placeholder(number: int, stored: Stored) -> Trial:
    """Return a trial that stands for a lost one until the method has been asked again."""
    some = stored.rows[0] if stored.rows else stored.running[0]
    config = read_only(some["config"])
    return Trial(number, config, some["fidelity"], math.nan, math.nan, "running")
