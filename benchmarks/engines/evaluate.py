"""Evaluate one trial; exceptions and invalid results become a status."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.records import plain
from benchmarks.core.trial import STATUSES, Losses, Observation, Suggestion


def evaluate(
    task: Task, suggestion: Suggestion, rng: np.random.Generator, trained: float = 0.0
) -> Observation:
    """Evaluate a suggestion once; errors of the task become a status.

    An exception or an invalid result gives ``failed``, a loss that is not finite ``diverged``. The
    task gets a copy of the config. All values of the observation are plain numbers and texts, and
    the loss is one to minimise, whatever the task returned.

    Args:
        task: task to evaluate.
        suggestion: config and fidelity.
        rng: source of the task's randomness.
        trained: fidelity from which training is resumed; 0 to train from the start.
    """
    started = time.perf_counter()
    config = dict(suggestion.config)
    try:
        if trained > 0:
            observation = task.resume(config, trained, suggestion.fidelity, rng)
        else:
            observation = task.evaluate(config, suggestion.fidelity, rng)
        return checked_observation(observation, task.maximise)
    except InvalidError as error:
        problem = str(error)
    except KeyboardInterrupt:
        raise
    # A user's task may raise anything or call sys.exit: only this trial fails.
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    return failed(task, suggestion.fidelity, problem, time.perf_counter() - started)


class InvalidError(ValueError):
    """A task returned something that is no observation."""


def checked_observation(observation: Any, maximise: bool) -> Observation:
    """Return the observation with plain values, to minimise.

    Raises:
        InvalidError: it is not an observation, or a field has an invalid value.
    """
    if not isinstance(observation, Observation):
        raise InvalidError(f"the task returned {type(observation).__name__}, not an Observation")
    status = observation.status
    if status not in STATUSES or status == "running":
        raise InvalidError(f"the task returned status {status!r}")
    if not isinstance(observation.info, Mapping):
        raise InvalidError(f"the task returned info {observation.info!r}")
    info = jsonable(observation.info)
    cost = _number("cost", observation.cost)
    if not 0 <= cost < math.inf:
        raise InvalidError(f"the task returned cost {observation.cost!r}")
    curve = _curve(observation.curve, maximise) if observation.curve else ()
    loss, test_loss = _number("loss", observation.loss), observation.test_loss
    if test_loss is not None:
        test_loss = _number("test loss", test_loss)
        test_loss = (-test_loss if maximise else test_loss) if math.isfinite(test_loss) else None
    if status == "ok" and not math.isfinite(loss):
        info["error"] = f"{'value' if maximise else 'loss'} was {loss}"
        return Observation(math.nan, cost, "diverged", None, info, curve)
    if status != "ok":
        return Observation(math.nan, cost, status, None, info, curve)
    return Observation(-loss if maximise else loss, cost, status, test_loss, info, curve)


def _curve(curve: Any, maximise: bool) -> Losses:
    """Return the losses on the way as plain numbers, to minimise, without those not finite.

    Raises:
        InvalidError: they are not (fidelity, loss) pairs, the fidelities rising in (0, 1).
    """
    sign = -1.0 if maximise else 1.0
    try:
        pairs = [(float(s), sign * float(loss)) for s, loss in curve]
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidError(f"the task returned curve {one_line(str(curve))[:100]}") from error
    shares = [0.0, *(s for s, _ in pairs), 1.0]
    if not all(low < high for low, high in itertools.pairwise(shares)):
        raise InvalidError(f"the task returned a curve at {shares[1:-1]}: must rise in (0, 1)")
    return tuple(pair for pair in pairs if math.isfinite(pair[1]))


def _number(name: str, value: Any) -> float:
    """Return a number of any library as a float.

    Raises:
        InvalidError: it is not one number.
    """
    found = plain(value)
    if isinstance(found, int | float) or hasattr(found, "__float__"):
        try:
            return float(found)
        except (TypeError, ValueError, OverflowError):
            pass
    raise InvalidError(f"the task returned {name} {value!r}")


def sendable(observation: Any) -> Any:
    """Return an observation whose values can be sent to another process; others as they are.

    What is wrong with them is said where the observation arrives.
    """
    if not isinstance(observation, Observation) or not isinstance(observation.info, Mapping):
        return observation
    loss, cost, test_loss = map(plain, (observation.loss, observation.cost, observation.test_loss))
    info, curve = jsonable(observation.info), observation.curve
    curve = plain(curve) if curve else ()
    return Observation(loss, cost, observation.status, test_loss, info, curve)


def jsonable(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values for JSON: plain scalars, None for what is not finite, text for the rest."""
    return {str(key): _jsonable(value) for key, value in mapping.items()}


def _jsonable(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, Mapping):
        return jsonable(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def failed(task: Task, fidelity: float, problem: str, seconds: float) -> Observation:
    """Return the observation of a failed evaluation.

    Args:
        task: task that was evaluated. The trace of a reproducible task must not hold clock
            readings, so the cost is ``fidelity * target_cost`` (with 1 s if that is not known).
        fidelity: fidelity that was evaluated.
        problem: kept as ``info["error"]``, in one line.
        seconds: wall time of the evaluation; the cost if the task is not reproducible.
    """
    cost = fidelity * (task.target_cost or 1.0) if task.reproducible else seconds
    return Observation(math.nan, cost, "failed", None, {"error": one_line(problem)})


def one_line(text: str) -> str:
    """Return a text of others as one line that can be printed, without codes for terminals."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
