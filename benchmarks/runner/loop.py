"""The loop of a run: suggest, evaluate and record trials until the budget is spent."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import TrialRow, checked
from benchmarks.core.space import Config
from benchmarks.core.trial import History, Observation, Suggestion, Trial, Truth
from benchmarks.engines.base import CompletedJob, Engine, Job, stream
from benchmarks.engines.virtual import Virtual
from benchmarks.runner.trace import Trace, TraceWriter, trial_of


class MethodError(RuntimeError):
    """A method returned an invalid suggestion, or None although no trial was running."""


@dataclass
class State:
    """The state of a run: everything that is needed to continue it."""

    history: History
    cumulative_cost: float = 0.0
    """total cost charged so far, seconds"""
    running: Sequence[Job] = ()
    """jobs that were running when the run was interrupted"""
    now: float = 0.0
    """reading of the run's clock, seconds"""


def resume(trace: Trace, loss_floor: float) -> State:
    """Return the state of a run after all that its trace holds.

    The clock is set to the latest start or end of a trial.

    Args:
        trace: trace of the run; may be empty.
        loss_floor: that of the task.

    Raises:
        DamagedError: the trace is damaged.
    """
    rows, started = trace.read()
    running = [Job.of(row) for row in started]
    trials = [*map(trial_of, rows), *map(_as_running_trial, running)]
    history = History(sorted(trials, key=lambda trial: trial.number), loss_floor)
    starts = [job.start for job in running] + [row["start"] for row in rows]
    now = max([*starts, *(row["end"] for row in rows)], default=0.0)
    return State(history, rows[-1]["cumulative_cost"] if rows else 0.0, running, now)


def run(
    method: Method,
    task: Task,
    budget: Budget,
    seed: int,
    writer: TraceWriter,
    state: State,
    report: Callable[[TrialRow], None] = lambda row: None,
    engine: Engine | None = None,
) -> str:
    """Continue from ``state`` until the budget is spent and all started trials have ended.

    Args:
        method: asked for a suggestion whenever a worker is idle, and for a recommendation whenever
            a trial has ended.
        task: task to tune; if it raises, the trial is ``failed``.
        budget: limits of the run.
        seed: seed of all random streams of the run.
        writer: records each trial when it starts and when it has ended.
        state: state from ``resume``; changed in place.
        report: called with the row of every trial that ends.
        engine: evaluates the trials; its clock must read ``state.now``. None uses one worker in
            virtual time, without overhead.

    Returns:
        The name of the limit that ended the run.

    Raises:
        MethodError: a suggestion is outside the space or the fidelities, or None although no
            trial is running.
    """
    engine = engine or Virtual(task, seed, now=state.now)
    for interrupted in state.running:
        engine.start(interrupted)
    method_waits = False
    while True:
        ended = engine.next_completed(wait=False)
        nominal = _nominal(state.history, task) if budget.nominal is not None else 0.0
        trials = len(state.history)
        reason = budget.spent(trials, state.cumulative_cost, task.target_cost, nominal)
        if (
            ended is None
            and reason is None
            and not method_waits
            and engine.idle_worker() is not None
        ):
            job = _ask(method, task, seed, state, engine)
            method_waits = job is None
            if job is not None:
                writer.start(job.row())
                engine.start(job)
            elif not state.history.running:
                raise MethodError(
                    "Method.suggest returned None with no trial running; return a Suggestion"
                )
            continue
        if ended is None:
            ended = engine.next_completed(wait=True)
        if ended is None:
            assert reason is not None
            return reason
        row = _end(ended, method, task, budget, seed, state)
        writer.append(row)
        report(row)
        method_waits = False


def _ask(method: Method, task: Task, seed: int, state: State, engine: Engine) -> Job | None:
    """Ask the method for a suggestion; return a job for an idle worker, or None to wait.

    The trial is added to the history of ``state`` as a running one.
    """
    number = len(state.history)
    started = datetime.now(UTC)
    clock = _cpu(method)
    suggestion = method.suggest(state.history, stream(seed, number, "suggest"))
    overhead = _cpu(method) - clock
    if suggestion is None:
        return None
    _check(suggestion, task)
    engine.add_overhead(overhead)
    worker = engine.idle_worker()
    assert worker is not None
    # Use the values that a resumed run would read from its files, so that it continues alike.
    plain = Suggestion(
        _plain(suggestion.config),
        float(suggestion.fidelity),
        json.loads(json.dumps(suggestion.note)),
    )
    first, trained = _checkpoint_of(plain, state.history, task)
    job = Job(number, plain, overhead, worker, engine.now, started.isoformat(), first, trained)
    state.history = state.history.append(_as_running_trial(job))
    return job


def _end(
    ended: CompletedJob, method: Method, task: Task, budget: Budget, seed: int, state: State
) -> TrialRow:
    """Update the state with a trial that has ended; return its row of the trace."""
    job, observation = ended.job, ended.observation
    trial = replace(
        _as_running_trial(job),
        loss=float(observation.loss),
        cost=float(observation.cost),
        status=observation.status,
    )
    state.history = state.history.end(trial)
    state.cumulative_cost += observation.cost
    clock = _cpu(method)
    recommended = method.recommend(state.history, stream(seed, trial.number, "recommend"))
    recommend_overhead = _cpu(method) - clock
    limit = budget.cost_limit(task.target_cost)
    row = {
        **_evaluated(trial, task, observation),
        "cumulative_cost": state.cumulative_cost,
        "crossed_budget": limit is not None and state.cumulative_cost > limit[0],
        **_incumbents(recommended, state.history, task),
        "worker": job.worker,
        "start": job.start,
        "end": ended.end,
        "suggest_overhead": job.overhead,
        "recommend_overhead": recommend_overhead,
        "started": job.started,
        "ended": datetime.now(UTC).isoformat(),
    }
    return checked(row, TrialRow)


def _as_running_trial(job: Job) -> Trial:
    """Return a job as a running trial of the history."""
    config, s, note = job.suggestion.config, job.suggestion.fidelity, job.suggestion.note
    return Trial(job.number, config, s, math.nan, math.nan, "running", note, job.overhead)


def _nominal(history: History, task: Task) -> float:
    """Return the nominal cost of all trials that were started, in full trainings."""
    return math.fsum(task.fidelities.nominal_cost(trial.fidelity) or 0.0 for trial in history)


def _cpu(method: Method) -> float:
    """Return the CPU seconds used so far by this process and the method's child processes."""
    return time.process_time() + method.cpu_elsewhere


def _checkpoint_of(suggestion: Suggestion, history: History, task: Task) -> tuple[int, float]:
    """Return the trial and the fidelity from which the suggested config's training is resumed.

    The trial is the first ok one of the config, whose random stream all its trainings use; if there
    is none, it is the trial to come. The fidelity is the highest one reached below the suggested
    fidelity; 0 if there is none.
    """
    if not task.fidelities.resumable:
        return len(history), 0.0
    earlier = [t for t in history if t.config == suggestion.config and t.status == "ok"]
    reached = [t.fidelity for t in earlier if t.fidelity < suggestion.fidelity]
    first = earlier[0].number if earlier else len(history)
    return first, max(reached, default=0.0)


def _check(suggestion: Suggestion, task: Task) -> None:
    try:
        task.space.check(suggestion.config)
        task.fidelities.check(suggestion.fidelity)
    except ValueError as error:
        raise MethodError(f"Method.suggest returned an invalid suggestion: {error}") from error


def _evaluated(trial: Trial, task: Task, observation: Observation) -> dict[str, Any]:
    truth = task.truth(trial.config)
    return {
        "trial": trial.number,
        "config": trial.config,
        "fidelity": trial.fidelity,
        "native": task.fidelities.native(trial.fidelity),
        "nominal": task.fidelities.nominal_cost(trial.fidelity),
        "status": trial.status,
        "loss": _number(trial.loss),
        "test_loss": _number(observation.test_loss),
        "cost": trial.cost,
        "note": trial.note,
        "info": _plain(observation.info),
        "true_loss": _number(truth.loss),
        "true_test_loss": _number(truth.test_loss),
    }


def _incumbents(recommended: Config | None, history: History, task: Task) -> dict[str, Any]:
    """Return the incumbents by three rules: the method's own, best at target, and best seen."""
    truth, refit = Truth(), None
    if recommended is not None:
        truth, refit = task.truth(recommended), task.refit_test_loss(recommended)
    best_seen, at_target = history.best_seen, history.best_at_target
    return {
        "recommended": None if recommended is None else _plain(recommended),
        "recommended_loss": _number(truth.loss),
        "recommended_test_loss": _number(truth.test_loss),
        "recommended_test_loss_refit": _number(refit),
        "best_at_target": None if at_target is None else at_target.number,
        "best_seen": None if best_seen is None else best_seen.number,
    }


def _number(value: float | None) -> float | None:
    """Convert to a float for JSON; None for a value that is None or not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _plain_value(value) for key, value in mapping.items()}


def _plain_value(value: Any) -> Any:
    """Convert numpy scalars to Python's, non-finite floats to None, and others to text for JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
