"""Checks of method options; every error message is one line that names the option."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.core import space

MEASURED = "measured"
"""value of ``overhead_in_cost`` that adds the measured overhead of the latest suggestion"""


def check_counts(**counts: int) -> None:
    """Raise ``ValueError`` unless every option is an integer of at least 1."""
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"method.{name}={value}: must be a whole number, 1 or more")


def check_shares(**shares: Sequence[float]) -> None:
    """Raise ``ValueError`` unless every option is a list of fidelities in (0, 1]."""
    for name, values in shares.items():
        numbers = isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0
        if not numbers or not all(isinstance(v, int | float) and 0 < v <= 1 for v in values):
            raise ValueError(f"method.{name}={values}: must be a list of fidelities in (0, 1]")


def check_range(name: str, value: Sequence[float]) -> tuple[float, float]:
    """Return the two numbers of an option, 0 < low < high.

    Raises:
        ValueError: if ``value`` is anything else.
    """
    numbers = isinstance(value, Sequence) and all(isinstance(v, int | float) for v in value)
    if not numbers or len(value) != 2 or not 0 < value[0] < value[1] < math.inf:
        raise ValueError(f"method.{name}={value}: must be two numbers, 0 < low < high")
    return float(value[0]), float(value[1])


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise ``ValueError`` unless the option ``name`` has one of the ``allowed`` values."""
    space.check_choice(f"method.{name}", value, allowed)


def check_overhead(value: float | str) -> None:
    """Raise ``ValueError`` unless the option is a number of seconds, 0 or more, or ``measured``."""
    if isinstance(value, str):
        check_choice("overhead_in_cost", value, (MEASURED,))
    elif isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"method.overhead_in_cost={value}: must be 0 or more, or {MEASURED}")


def check_flag(name: str, value: bool) -> None:
    """Raise ``ValueError`` unless the option ``name`` is true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"method.{name}={value}: must be true or false")
