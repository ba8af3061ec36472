"""The kinds of hyperparameters: their values, and their mapping to the unit interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmarks.core.arrays import Array

LARGEST_INTEGER = 2**53
"""bound on the magnitude of whole numbers: a float, as in a model or a table, holds all up to it"""


def _is_number(value: object, kind: type = float) -> bool:
    """Return True for a number: any real one, or a whole one with ``kind=int``."""
    allowed = (int, np.integer) if kind is int else (int, float, np.number)
    return isinstance(value, allowed) and not isinstance(value, bool)


def _check_size(*values: int) -> None:
    for value in values:
        if abs(value) > LARGEST_INTEGER:
            raise ValueError(f"{value}: whole numbers must lie within 2**53 of 0")


class Parameter(Protocol):
    """One hyperparameter."""

    @property
    def width(self) -> int:
        """Number of unit-cube coordinates."""
        ...

    def encode(self, value: Any) -> Sequence[float]:
        """Map a value to ``width`` coordinates in [0, 1]."""
        ...

    def decode(self, u: Array) -> Any:
        """Map coordinates, shape ``(width,)``, to a value; numbers are clipped to their bounds."""
        ...

    def check(self, name: str, value: Any) -> None:
        """Raise a one-line ``ValueError`` that begins with ``name`` if ``value`` is not allowed."""
        ...


@dataclass(frozen=True)
class Float:
    """A real number in [low, high], mapped linearly to [0, 1]; with ``log``, its logarithm is."""

    low: float
    high: float
    log: bool = False
    width = 1

    def __post_init__(self) -> None:
        finite = all(_is_number(bound) and math.isfinite(bound) for bound in (self.low, self.high))
        if not finite or not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(
                f"bad bounds [{self.low}, {self.high}] (log={self.log}): must be finite numbers, "
                "rising, and above 0 with log"
            )
        # The width of [-1e308, 1e308] is infinite: every draw would be one of the bounds.
        if not math.isfinite(float(self.high) - float(self.low)):
            raise ValueError(f"bad bounds [{self.low}, {self.high}]: too far apart")

    def encode(self, value: Any) -> Sequence[float]:
        low, high, x = self.low, self.high, float(value)
        if self.log:
            low, high, x = math.log(low), math.log(high), math.log(x)
        return [(x - low) / (high - low)]

    def decode(self, u: Array) -> float:
        t = min(max(float(u[0]), 0.0), 1.0)
        if self.log:
            x = math.exp(math.log(self.low) + t * (math.log(self.high) - math.log(self.low)))
        else:
            x = self.low + t * (self.high - self.low)
        return min(max(x, self.low), self.high)

    def check(self, name: str, value: Any) -> None:
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:
            raise ValueError(f"{name}={value!r}: allowed is [{self.low}, {self.high}]")


@dataclass(frozen=True)
class Integer:
    """A whole number in [low, high]; each value has the same share of the unit interval.

    With ``log``, the share of a value is the logarithmic length of [value - 1/2, value + 1/2],
    also for ``low`` and ``high``, which would otherwise be drawn too rarely. ``encode`` returns
    the middle of the share.
    """

    low: int
    high: int
    log: bool = False
    width = 1

    def __post_init__(self) -> None:
        whole = all(_is_number(bound, int) for bound in (self.low, self.high))
        if not whole or not self.low <= self.high or (self.log and self.low < 1):
            raise ValueError(
                f"bad bounds [{self.low}, {self.high}] (log={self.log}): must be whole numbers "
                "(100, not 1e2), rising, and 1 or more with log"
            )
        _check_size(self.low, self.high)

    @property
    def _edges(self) -> tuple[float, float]:
        """Logarithms of the outer edges of all shares, ``low - 1/2`` and ``high + 1/2``."""
        return math.log(self.low - 0.5), math.log(self.high + 0.5)

    def encode(self, value: Any) -> Sequence[float]:
        if not self.log:
            return [(int(value) - self.low + 0.5) / (self.high - self.low + 1)]
        low, high = self._edges
        middle = (math.log(int(value) - 0.5) + math.log(int(value) + 0.5)) / 2
        return [(middle - low) / (high - low)]

    def decode(self, u: Array) -> int:
        if not self.log:
            steps = self.high - self.low + 1
            return self.low + min(max(int(float(u[0]) * steps), 0), steps - 1)
        low, high = self._edges
        value = math.floor(math.exp(low + float(u[0]) * (high - low)) + 0.5)
        return min(max(value, self.low), self.high)

    def check(self, name: str, value: Any) -> None:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not self.low <= value <= self.high:
            raise ValueError(
                f"{name}={value!r}: allowed are whole numbers in [{self.low}, {self.high}]"
            )


@dataclass(frozen=True)
class PowerOfTwo:
    """A power of two in [low, high]; each value has the same share of the unit interval.

    ``low`` and ``high`` must be powers of two, too.
    """

    low: int
    high: int
    width = 1

    def __post_init__(self) -> None:
        bounds = (self.low, self.high)
        whole = all(_is_number(bound, int) and int(bound).bit_count() == 1 for bound in bounds)
        if not whole or not 0 < self.low < self.high:
            raise ValueError(f"bad bounds [{self.low}, {self.high}]: must be powers of two, rising")
        _check_size(self.low, self.high)

    @property
    def _exponent(self) -> Integer:
        return Integer(int(self.low).bit_length() - 1, int(self.high).bit_length() - 1)

    def encode(self, value: Any) -> Sequence[float]:
        return self._exponent.encode(int(value).bit_length() - 1)

    def decode(self, u: Array) -> int:
        return int(2 ** self._exponent.decode(u))

    def check(self, name: str, value: Any) -> None:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not self.low <= value <= self.high or int(value).bit_count() != 1:
            raise ValueError(
                f"{name}={value!r}: allowed are powers of two in [{self.low}, {self.high}]"
            )


@dataclass(frozen=True)
class Categorical:
    """One of a few values, encoded one-hot; ``decode`` takes that with the largest coordinate."""

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            ValueError: there is none, two are equal (as 1 and True), or one is neither a text, a
                finite number, nor a boolean.
        """
        _check_choices(self.choices, least=1)

    @property
    def width(self) -> int:
        return len(self.choices)

    def encode(self, value: Any) -> Sequence[float]:
        return [float(value == choice) for choice in self.choices]

    def decode(self, u: Array) -> Any:
        return self.choices[int(np.argmax(u))]

    def check(self, name: str, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{name}={value!r}: allowed are {list(self.choices)}")


@dataclass(frozen=True)
class Ordinal:
    """One of a few values in their order, mapped to equal shares of the unit interval.

    ``encode`` returns the middle of the share.
    """

    choices: tuple[Any, ...]
    width = 1

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            ValueError: as for ``Categorical``, or there is only one.
        """
        _check_choices(self.choices, least=2)

    @property
    def _index(self) -> Integer:
        return Integer(0, len(self.choices) - 1)

    def encode(self, value: Any) -> Sequence[float]:
        return self._index.encode(self.choices.index(value))

    def decode(self, u: Array) -> Any:
        return self.choices[self._index.decode(u)]

    def check(self, name: str, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{name}={value!r}: allowed are {list(self.choices)}")


@dataclass(frozen=True)
class Constant:
    """A value that does not vary; it is in every config and has no coordinate."""

    value: Any
    width = 0

    def __post_init__(self) -> None:
        """Check the value.

        Raises:
            ValueError: it is neither a text, a finite number, nor a boolean.
        """
        _check_choices((self.value,), least=1)

    def encode(self, value: Any) -> Sequence[float]:
        return []

    def decode(self, u: Array) -> Any:
        return self.value

    def check(self, name: str, value: Any) -> None:
        if value != self.value:
            raise ValueError(f"{name}={value!r}: allowed is {self.value!r} only")


def _check_choices(choices: Any, least: int) -> None:
    if not isinstance(choices, tuple | list):
        raise ValueError(f"choices={choices!r}: must be a tuple, ({choices!r},)")
    if len(choices) < least:
        count = "one value" if least == 1 else f"{least} values"
        raise ValueError(f"choices={tuple(choices)}: must have at least {count}")
    for index, choice in enumerate(choices):
        if not isinstance(choice, str | bool | int | float):
            raise ValueError(f"choice {choice!r}: must be a text, a number, or a boolean")
        if not isinstance(choice, str):
            if not math.isfinite(choice):
                raise ValueError(f"choice {choice!r}: must be finite")
            if isinstance(choice, int):
                _check_size(choice)
        if choice in choices[:index]:
            twin = choices[list(choices).index(choice)]
            raise ValueError(f"choices {twin!r} and {choice!r} are equal")


Indexed = Categorical | Ordinal
"""kinds whose values are stored as an index in tables"""
