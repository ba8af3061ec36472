"""One evaluation, whatever happens in it: what raises or returns rubbish becomes a status."""

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
    """Evaluate once; whatever goes wrong in the task becomes a status.

    With ``trained`` above 0 the config is trained on from that fidelity.

    A task that raises gives ``failed``, a NaN loss ``diverged``.
    """
    started = time.perf_counter()
    try:
        if trained > 0:
            observation = task.resume(suggestion.config, trained, suggestion.fidelity, rng)
        else:
            observation = task.evaluate(suggestion.config, suggestion.fidelity, rng)
        problem = _problem(observation)
    # a user's task may raise anything, or leave by sys.exit; it is one trial's end only
    except (Exception, SystemExit) as error:
        problem = f"{type(error).__name__}: {error}"
    if problem is not None:
        return failed(task, suggestion, problem, time.perf_counter() - started)
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
    """A failed evaluation, charged the wall ``seconds`` it took or, on a reproducible task (whose
    trace must not hold a clock reading), its share of a target evaluation (of one second if that is
    not known).
    """
    cost = suggestion.fidelity * (task.target_cost or 1.0) if task.reproducible else seconds
    return Observation(math.nan, cost, "failed", None, {"error": problem})
