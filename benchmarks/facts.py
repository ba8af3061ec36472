"""What a method or a task says of itself, checked once, where it is built."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import plain
from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities


class FactError(ValueError):
    """An attribute of a method or a task has a value that it cannot have."""


def _number(value: Any) -> bool:
    value = plain(value)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _optional(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


def _whole(value: Any) -> bool:
    value = plain(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_SWITCH = (_is(bool), "True or False")
_VERSION = (_whole, "a whole number")

Rule = tuple[Callable[[Any], bool], str]
"""whether a value is allowed, and what is, in words"""
OF_METHOD: Mapping[str, Rule] = {
    "version": _VERSION,
    "reproducible": _SWITCH,
    "uses_budget": _SWITCH,
    "cpu_elsewhere": (lambda v: _number(v) and v >= 0, "a number of seconds, 0 or more"),
}
OF_TASK: Mapping[str, Rule] = {
    "space": (_is(Space), "a Space"),
    "fidelities": (_is(Fidelities), "Fidelities"),
    "version": _VERSION,
    "loss_floor": (lambda v: _number(v) and v >= 0, "a number, 0 or more"),
    "best_loss": (_optional(_number), "a finite number, or None"),
    "target_cost": (
        _optional(lambda v: _number(v) and v > 0),
        "a positive number of seconds, or None",
    ),
    "good_cost": (
        _optional(lambda v: _number(v) and v > 0),
        "a positive number of seconds, or None",
    ),
    "resolution": (_optional(lambda v: _number(v) and v >= 0), "a number, 0 or more, or None"),
    "caption": (_is(str), "a text"),
    "sizes": (_is(Mapping), "a mapping of names to numbers"),
    "reproducible": _SWITCH,
    "maximise": _SWITCH,
    "isolated": _SWITCH,
    "private_checkpoints": _SWITCH,
}


def check_facts(component: Method | Task) -> None:
    """Check the attributes that the suite reads from a method or a task.

    Without this check a mistake, such as ``best_loss = nan``, would be noticed after trainings, or
    stand in the files of the run.

    Raises:
        FactError: one is missing, cannot be read, or has a value that it cannot have; one line.
    """
    rules = OF_METHOD if isinstance(component, Method) else OF_TASK
    kind = type(component).__name__
    for name, (allowed, words) in rules.items():
        try:
            value = getattr(component, name)
        except Exception as error:  # of a user's property
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            raise FactError(f"{kind}.{name}: must be {words} ({problem})") from error
        if not allowed(value):
            raise FactError(f"{kind}.{name}={value!r}: must be {words}")
