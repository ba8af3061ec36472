"""The loop of a run: suggest, evaluate and record trials until the budget is spent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import TrialRow, checked
from benchmarks.core.space import Config
from benchmarks.core.trial import History, Observation, Suggestion, Trial, Truth
from benchmarks.engines.base import CompletedJob, Engine, Job, stream
from benchmarks.engines.evaluate import jsonable
from benchmarks.engines.virtual import Virtual
from benchmarks.runner.checkpoints import Checkpoints
from benchmarks.runner.resumption import State, as_running_trial
from benchmarks.runner.trace import TraceWriter


class MethodError(RuntimeError):
    """A method returned what is no suggestion or no config of the space, or waits for nothing."""


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
            trial is running; or a recommended config is outside the space.
    """
    engine = engine or Virtual(task, seed, now=state.now)
    engine.on_completed = lambda completed: writer.end(completed.row(len(state.history)))

    def finish(completed: CompletedJob) -> None:
        row = end(completed, method, task, seed, state)
        writer.append(row)
        state.ended += 1
        report(row)

    for completed in state.pending:
        finish(completed)
    for interrupted in state.running:
        engine.start(interrupted)
    for asked in ask_again(method, task, seed, state, engine):
        writer.start(asked.row())
        engine.start(asked)
    method_waits = False
    while True:
        ended = engine.next_completed(wait=False)
        reason = _spent(budget, state, task)
        if (
            ended is None
            and reason is None
            and not method_waits
            and engine.idle_worker() is not None
        ):
            job = ask(method, task, seed, state, engine)
            method_waits = job is None
            if job is not None:
                state.history = state.history.append(as_running_trial(job))
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
        finish(ended)
        method_waits = False


def _spent(budget: Budget, state: State, task: Task) -> str | None:
    """Return the name of the limit of the budget that is reached; None if there is none."""
    nominal = _nominal(state.history, task) if budget.nominal is not None else 0.0
    counted = budget.target_evaluations is not None or budget.trainings is not None
    unit = budget.unit(task.target_cost, state.history, task.good_cost) if counted else None
    return budget.spent(len(state.history), state.cumulative_cost, unit, nominal)


def ask(
    method: Method,
    task: Task,
    seed: int,
    state: State,
    engine: Engine,
    history: History | None = None,
) -> Job | None:
    """Ask the method for a suggestion; return a job for an idle worker, or None to wait.

    Args:
        method: method to ask.
        task: task of the run.
        seed: seed of the run.
        state: state of the run.
        engine: has an idle worker.
        history: history to show the method; None shows all trials.
    """
    checkpoints = state.checkpoints if history is None else Checkpoints()
    history = state.history if history is None else history
    number = len(history)
    started = datetime.now(UTC)
    clock = _cpu(method)
    suggestion = method.suggest(history, stream(seed, number, "suggest"))
    overhead = _cpu(method) - clock
    if suggestion is None:
        return None
    _check(suggestion, task)
    engine.add_overhead(overhead)
    worker = engine.idle_worker()
    assert worker is not None
    # Use the values that a resumed run would read from its files, so that it continues alike.
    kept = Suggestion(
        jsonable(suggestion.config), float(suggestion.fidelity), jsonable(suggestion.note)
    )
    first, trained = len(history), 0.0
    if task.fidelities.resumable:
        first, trained = checkpoints.of(kept, history)
    return Job(
        number,
        kept,
        overhead,
        worker,
        engine.now,
        started.isoformat(),
        first,
        trained,
        after=state.ended,
    )


def ask_again(method: Method, task: Task, seed: int, state: State, engine: Engine) -> Iterator[Job]:
    """Ask the method again for the suggestions that a power cut lost; yield a job for each."""
    for number in state.lost:
        trials = list(state.history.trials)
        job = ask(method, task, seed, state, engine, History(trials[:number], task.loss_floor))
        if job is None:
            raise MethodError(f"Method.suggest returned None for trial {number}, which was lost")
        trials[number] = as_running_trial(job)
        state.history = History(trials, task.loss_floor)
        yield job


def end(ended: CompletedJob, method: Method, task: Task, seed: int, state: State) -> TrialRow:
    """Update the state with a trial that has ended; return its row of the trace."""
    job, observation = ended.job, ended.observation
    trial = replace(
        as_running_trial(job),
        loss=observation.loss,
        cost=observation.cost,
        status=observation.status,
        curve=observation.curve,
    )
    state.history = state.history.end(trial)
    state.cumulative_cost += observation.cost
    clock = _cpu(method)
    recommended = method.recommend(state.history, stream(seed, trial.number, "recommend"))
    recommend_overhead = _cpu(method) - clock
    if recommended is not None:
        recommended = _checked(recommended, task)
    row = {
        **_evaluated(trial, job, task, observation),
        "cumulative_cost": state.cumulative_cost,
        **_incumbents(recommended, state.history, task),
        "worker": job.worker,
        "start": job.start,
        "end": ended.end,
        "suggest_overhead": job.overhead,
        "recommend_overhead": recommend_overhead,
        "started": job.started,
        "ended": datetime.now(UTC).isoformat(),
    }
    made = checked(row, TrialRow)
    if trial.curve:  # plain numbers; to check each of them again would take long
        made["curve"] = list(trial.curve)
    return made


def _nominal(history: History, task: Task) -> float:
    """Return the nominal cost of all trials that were started, in full trainings."""
    return math.fsum(task.fidelities.nominal_cost(trial.fidelity) or 0.0 for trial in history)


def _cpu(method: Method) -> float:
    """Return the CPU seconds used so far by this process and the method's child processes."""
    return time.process_time() + method.cpu_elsewhere


def _check(suggestion: Suggestion, task: Task) -> None:
    if not isinstance(suggestion, Suggestion):
        kind = type(suggestion).__name__
        raise MethodError(f"Method.suggest returned {kind}, not a Suggestion or None")
    try:
        task.space.check(suggestion.config)
        task.fidelities.check(suggestion.fidelity)
    except ValueError as error:
        raise MethodError(f"Method.suggest returned an invalid suggestion: {error}") from error


def _checked(recommended: Config, task: Task) -> Config:
    """Return a recommended config with plain values, which lies in the space."""
    if not isinstance(recommended, Mapping):
        kind = type(recommended).__name__
        raise MethodError(f"Method.recommend returned {kind}, not a config or None")
    try:
        task.space.check(recommended)
    except ValueError as error:
        raise MethodError(f"Method.recommend returned an invalid config: {error}") from error
    return jsonable(recommended)


def _evaluated(trial: Trial, job: Job, task: Task, observation: Observation) -> dict[str, Any]:
    truth = _truth(task, trial.config)
    loss = _number(trial.loss)
    value = {"value": None if loss is None else -loss} if task.maximise else {}
    return {
        "trial": trial.number,
        "config": trial.config,
        "fidelity": trial.fidelity,
        "native": task.fidelities.native(trial.fidelity),
        "nominal": task.fidelities.nominal_cost(trial.fidelity),
        "status": trial.status,
        "loss": loss,
        "test_loss": _number(observation.test_loss),
        **value,
        "cost": trial.cost,
        "note": job.suggestion.note,
        "info": observation.info,
        "true_loss": _number(truth.loss),
        "true_test_loss": _number(truth.test_loss),
    }


def _truth(task: Task, config: Config) -> Truth:
    """Return what is true of a config, its losses to minimise."""
    truth = task.truth(dict(config))
    if not task.maximise:
        return truth
    loss, test_loss = (None if x is None else -x for x in (truth.loss, truth.test_loss))
    return Truth(loss, test_loss, truth.cost)


def _incumbents(recommended: Config | None, history: History, task: Task) -> dict[str, Any]:
    """Return the incumbents by three rules: the method's own, best at target, and best seen."""
    truth, refit = Truth(), None
    if recommended is not None:
        truth, refit = _truth(task, recommended), task.refit_test_loss(dict(recommended))
        refit = -refit if task.maximise and refit is not None else refit
    best_seen, at_target = history.best_seen, history.best_at_target
    return {
        "recommended": recommended,
        "recommended_loss": _number(truth.loss),
        "recommended_test_loss": _number(truth.test_loss),
        "recommended_test_loss_refit": _number(refit),
        "recommended_cost": _number(truth.cost),
        "best_at_target": None if at_target is None else at_target.number,
        "best_seen": None if best_seen is None else best_seen.number,
    }


def _number(value: float | None) -> float | None:
    """Convert to a float for JSON; None for a value that is None or not finite."""
    return None if value is None or not math.isfinite(value) else float(value)
