"""The loop of a run: suggest, evaluate, append, until the budget is spent."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Config
from benchmarks.core.trial import STATUSES, History, Observation, Suggestion, Trial, Truth
from benchmarks.trace import TraceWriter, trial_of

PURPOSES = {"suggest": 0, "recommend": 1, "evaluate": 2}


class MethodError(RuntimeError):
    """A method suggested something outside the space or the fidelities."""


@dataclass
class State:
    """Where a run stands: everything a next round needs."""

    history: History
    cumulative_cost: float
    """seconds charged so far"""


def stream(seed: int, trial: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose in one trial; needs no state to resume."""
    sequence = np.random.SeedSequence(seed, spawn_key=(trial, PURPOSES[purpose]))
    return np.random.default_rng(sequence)


def resume(rows: Sequence[Mapping[str, Any]], loss_floor: float) -> State:
    """The state after the rows of a trace."""
    cost = rows[-1]["cumulative_cost"] if rows else 0.0
    return State(History([trial_of(row) for row in rows], loss_floor), cost)


def run(
    method: Method,
    task: Task,
    budget: Budget,
    seed: int,
    writer: TraceWriter,
    state: State,
    report: Callable[[Mapping[str, Any]], None] = lambda row: None,
) -> str:
    """Go on from ``state`` until the budget is spent.

    Args:
        method: asked for suggestions and for its incumbent.
        task: evaluated. What it raises becomes a ``failed`` trial.
        budget: evaluation cost and trials allowed.
        seed: of all random streams of the run.
        writer: gets one row a trial, before the next suggestion.
        state: from ``resume``.
        report: called with every row.

    Returns:
        The name of the limit that ended the run.

    Raises:
        MethodError: a suggestion outside the space or the fidelities.
    """
    limit = budget.cost_limit(task.target_cost)
    while True:
        reason = budget.spent(len(state.history), state.cumulative_cost, task.target_cost)
        if reason is not None:
            return reason
        number = len(state.history)
        started = datetime.now(UTC)
        clock = time.process_time()
        suggestion = method.suggest(state.history, stream(seed, number, "suggest"))
        suggest_overhead = time.process_time() - clock
        _check(suggestion, task)
        first, trained = _begun(suggestion, state.history, task)
        observation = evaluate(task, suggestion, stream(seed, first, "evaluate"), trained)
        trial = Trial(
            number,
            _plain(suggestion.config),
            float(suggestion.fidelity),
            float(observation.loss),
            float(observation.cost),
            observation.status,
            json.loads(json.dumps(suggestion.note)),  # what a resumed run would read back
            suggest_overhead,
        )
        state.history = state.history.append(trial)
        state.cumulative_cost += observation.cost
        clock = time.process_time()
        recommended = method.recommend(state.history, stream(seed, number, "recommend"))
        recommend_overhead = time.process_time() - clock
        row = {
            **_evaluated(trial, task, observation),
            "cumulative_cost": state.cumulative_cost,
            "crossed_budget": limit is not None and state.cumulative_cost > limit[0],
            **_incumbents(recommended, state.history, task),
            "suggest_overhead": suggest_overhead,
            "recommend_overhead": recommend_overhead,
            "started": started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
        }
        writer.append(row)
        report(row)


def _begun(suggestion: Suggestion, history: History, task: Task) -> tuple[int, float]:
    """Where training a config began: the trial, whose random stream serves all that continue it,
    and the highest fidelity below the suggested one that it has reached; (this trial, 0) if new.
    """
    if not task.fidelities.resumable:
        return len(history), 0.0
    config = _plain(suggestion.config)
    earlier = [t for t in history if t.config == config and t.status == "ok"]
    reached = [t.fidelity for t in earlier if t.fidelity < suggestion.fidelity]
    first = earlier[0].number if earlier else len(history)
    return first, max(reached, default=0.0)


def evaluate(
    task: Task, suggestion: Suggestion, rng: np.random.Generator, trained: float = 0.0
) -> Observation:
    """Evaluate once; whatever goes wrong in the task becomes a status.

    With ``trained`` above 0 the config is trained on from that fidelity.

    A task that raises gives ``failed``, a NaN loss ``diverged``. A raising evaluation is charged
    the wall seconds it took or, on a reproducible task (whose trace must not hold a clock
    reading), its share of a target evaluation (of one second if that is not known).
    """
    started = time.perf_counter()
    try:
        if trained > 0:
            observation = task.resume(suggestion.config, trained, suggestion.fidelity, rng)
        else:
            observation = task.evaluate(suggestion.config, suggestion.fidelity, rng)
        problem = _problem(observation)
    except Exception as error:  # a user's task may raise anything; it is one trial's end only
        problem = f"{type(error).__name__}: {error}"
    if problem is not None:
        cost = time.perf_counter() - started
        if task.reproducible:
            cost = suggestion.fidelity * (task.target_cost or 1.0)
        return Observation(math.nan, cost, "failed", None, {"error": problem})
    if observation.status == "ok" and not math.isfinite(observation.loss):
        info = {**observation.info, "error": f"loss was {observation.loss}"}
        return Observation(math.nan, observation.cost, "diverged", None, info)
    return observation


def _problem(observation: Any) -> str | None:
    """What makes an observation unusable."""
    if not isinstance(observation, Observation):
        return f"the task returned {type(observation).__name__}, not an Observation"
    if observation.status not in STATUSES or observation.status == "running":
        return f"the task returned status {observation.status!r}"
    if not (math.isfinite(observation.cost) and observation.cost >= 0):
        return f"the task returned cost {observation.cost}"
    return None


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
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value
