"""The loop of a run: suggest while a worker is idle, evaluate, append, until all is spent."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Config
from benchmarks.core.trial import History, Observation, Suggestion, Trial, Truth
from benchmarks.engines.base import CompletedJob, Engine, Job, stream
from benchmarks.engines.virtual import Virtual
from benchmarks.runner.budget import Budget
from benchmarks.runner.trace import Trace, TraceWriter, trial_of


class MethodError(RuntimeError):
    """A method suggested something outside the space or the fidelities."""


@dataclass
class State:
    """Where a run stands: everything that it needs to go on."""

    history: History
    cumulative_cost: float = 0.0
    """seconds charged so far"""
    running: Sequence[Job] = ()
    """what was running when it was killed"""
    now: float = 0.0
    """seconds on the run's clock"""


def resume(trace: Trace, loss_floor: float) -> State:
    """The state after what a trace holds.

    The clock of a run moves with starts and ends of trials only, so the latest one is its reading.
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
    report: Callable[[Mapping[str, Any]], None] = lambda row: None,
    engine: Engine | None = None,
) -> str:
    """Go on from ``state`` until the budget is spent and all that was started has ended.

    Args:
        method: asked for suggestions whenever a worker is idle, and for its incumbent whenever a
            trial has ended.
        task: evaluated. What it raises becomes a ``failed`` trial.
        budget: evaluation cost and trials allowed.
        seed: of all random streams of the run.
        writer: gets what is started, and one row for each trial that ended.
        state: from ``resume``.
        report: called with every row.
        engine: evaluates; its clock stands at ``state.now``. None for one worker in virtual time,
            on which suggestions take none.

    Returns:
        The name of the limit that ended the run.

    Raises:
        MethodError: a suggestion outside the space or the fidelities, or none although nothing
            is running.
    """
    engine = engine or Virtual(task, seed, now=state.now)
    for interrupted in state.running:
        engine.start(interrupted)
    waits = False
    while True:
        ended = engine.next_completed(wait=False)
        nominal = _nominal(state.history, task) if budget.nominal is not None else 0.0
        trials = len(state.history)
        reason = budget.spent(trials, state.cumulative_cost, task.target_cost, nominal)
        if ended is None and reason is None and not waits and engine.idle_worker() is not None:
            job = _ask(method, task, seed, state, engine)
            waits = job is None
            if job is not None:
                writer.start(job.row())
                engine.start(job)
            elif not state.history.running:
                raise MethodError("the method suggested nothing although no trial is running")
            continue
        if ended is None:
            ended = engine.next_completed(wait=True)
        if ended is None:
            assert reason is not None
            return reason
        row = _end(ended, method, task, budget, seed, state)
        writer.append(row)
        report(row)
        waits = False


def _ask(method: Method, task: Task, seed: int, state: State, engine: Engine) -> Job | None:
    """What the method suggests next, as a job for an idle worker and a running trial of the
    history; None if it waits.
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
    # what a resumed run would read back
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
) -> dict[str, Any]:
    """Take the end of a trial into the state; the row of the trace."""
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
    return {
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


def _as_running_trial(job: Job) -> Trial:
    """A job as a trial of the history."""
    config, s, note = job.suggestion.config, job.suggestion.fidelity, job.suggestion.note
    return Trial(job.number, config, s, math.nan, math.nan, "running", note, job.overhead)


def _nominal(history: History, task: Task) -> float:
    """Nominal cost of all trials that were started, in full trainings."""
    return math.fsum(task.fidelities.nominal_cost(trial.fidelity) or 0.0 for trial in history)


def _cpu(method: Method) -> float:
    """CPU seconds used so far by this process and by the method's own."""
    return time.process_time() + method.cpu_elsewhere


def _checkpoint_of(suggestion: Suggestion, history: History, task: Task) -> tuple[int, float]:
    """Where training a config began: the trial, whose random stream serves all that continue it,
    and the highest fidelity below the suggested one that it has reached; (this trial, 0) if new.
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
        raise MethodError(f"the method suggested {error}") from error


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
    """The three rules of design.md: the method's own, and two that are trial numbers."""
    truth, refit = Truth(), None
    if recommended is not None:
        truth, refit = task.truth(recommended), task.refit_test_loss(recommended)
    seen, at_target = history.best_seen, history.best_at_target
    return {
        "recommended": None if recommended is None else _plain(recommended),
        "recommended_loss": _number(truth.loss),
        "recommended_test_loss": _number(truth.test_loss),
        "recommended_test_loss_refit": _number(refit),
        "best_at_target": None if at_target is None else at_target.number,
        "best_seen": None if seen is None else seen.number,
    }


def _number(value: float | None) -> float | None:
    """A finite float for JSON; None for a value that is not known or not a number."""
    return None if value is None or not math.isfinite(value) else float(value)


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _plain_value(value) for key, value in mapping.items()}


def _plain_value(value: Any) -> Any:
    """Numpy scalars become Python's; what JSON cannot hold becomes its text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
