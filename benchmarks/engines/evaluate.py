"""Evaluate one trial; exceptions and invalid results become a status."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.trial import STATUSES, Observation, Suggestion


def evaluate(
    task: Task, suggestion: Suggestion, rng: np.random.Generator, trained: float = 0.0
) -> Observation:
    """Evaluate a suggestion once; errors of the task become a status.

    An exception or an invalid result gives ``failed``, a loss that is not finite ``diverged``.

    Args:
        task: task to evaluate.
        suggestion: config and fidelity.
        rng: source of the task's randomness.
        trained: fidelity from which training is resumed; 0 to train from the start.
    """
    started = time.perf_counter()
    try:
        if trained > 0:
            observation = task.resume(suggestion.config, trained, suggestion.fidelity, rng)
        else:
            observation = task.evaluate(suggestion.config, suggestion.fidelity, rng)
        problem = _problem(observation)
    # A user's task may raise anything or call sys.exit: only this trial fails.
    except (Exception, SystemExit) as error:
        problem = f"{type(error).__name__}: {error}"
    if problem is not None:
        return failed(task, suggestion, problem, time.perf_counter() - started)
    if observation.status == "ok" and not math.isfinite(observation.loss):
        info = {**observation.info, "error": f"loss was {observation.loss}"}
        return Observation(math.nan, observation.cost, "diverged", None, info)
    return observation


def _problem(observation: Any) -> str | None:
    """Return why an observation is invalid; None if it is valid."""
    if not isinstance(observation, Observation):
        return f"the task returned {type(observation).__name__}, not an Observation"
    if observation.status not in STATUSES or observation.status == "running":
        return f"the task returned status {observation.status!r}"
    if not (_is_number(observation.cost) and 0 <= observation.cost < math.inf):
        return f"the task returned cost {observation.cost!r}"
    if not _is_number(observation.loss):
        return f"the task returned loss {observation.loss!r}"
    if observation.test_loss is not None and not _is_number(observation.test_loss):
        return f"the task returned test loss {observation.test_loss!r}"
    if not isinstance(observation.info, Mapping):
        return f"the task returned info {observation.info!r}"
    return None


def _is_number(value: Any) -> bool:
    try:
        math.isnan(value)
    except TypeError:
        return False
    return True


def failed(task: Task, suggestion: Suggestion, problem: str, seconds: float) -> Observation:
    """Return the observation of a failed evaluation.

    Args:
        task: task that was evaluated. The trace of a reproducible task must not hold clock
            readings, so the cost is ``fidelity * target_cost`` (with 1 s if that is not known).
        suggestion: config and fidelity that were evaluated.
        problem: one line, kept as ``info["error"]``.
        seconds: wall time of the evaluation; the cost if the task is not reproducible.
    """
    cost = suggestion.fidelity * (task.target_cost or 1.0) if task.reproducible else seconds
    return Observation(math.nan, cost, "failed", None, {"error": problem})
