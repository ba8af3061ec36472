"""The search space: named hyperparameters, and their map to the unit cube that models work in."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Config = Mapping[str, Any]


def nearest(word: str, allowed: Sequence[str]) -> str:
    """Say what was probably meant: ``"; did you mean 'log_c'?"``, or ``""`` if nothing is close."""
    match = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


def check_choice(option: str, value: object, allowed: Collection[str]) -> None:
    """Raise ``ValueError`` with one clear line unless ``value`` is one of ``allowed``.

    ``option`` is its full name, ``method.rule`` or ``task.backend``.
    """
    if value not in allowed:
        hint = nearest(str(value), list(allowed))
        raise ValueError(f"{option}={value}: allowed are {', '.join(allowed)}{hint}")


class Parameter(Protocol):
    """One hyperparameter. ``width`` is the number of unit-cube coordinates it takes."""

    @property
    def width(self) -> int: ...
    def encode(self, value: Any) -> Sequence[float]: ...
    def decode(self, u: Array) -> Any: ...
    def check(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]; with ``log`` the unit interval is uniform in its logarithm."""

    low: float
    high: float
    log: bool = False
    width = 1

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"bad bounds [{self.low}, {self.high}] (log={self.log})")

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
    """A whole number in [low, high], each value with the same share of the unit interval.

    With ``log`` a value's share is that of [value - 1/2, value + 1/2] in the logarithm, the ends'
    included, so that no value is too rare; ``encode`` gives the middle of the share.
    """

    low: int
    high: int
    log: bool = False
    width = 1

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.log and self.low < 1):
            raise ValueError(f"bad bounds [{self.low}, {self.high}] (log={self.log})")

    @property
    def _edges(self) -> tuple[float, float]:
        """Logarithms of the interval that all shares make up."""
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
    """A power of two in [low, high], which are such, each with the same share of the interval."""

    low: int
    high: int
    width = 1

    def __post_init__(self) -> None:
        bounds = (self.low, self.high)
        whole = all(isinstance(bound, int) and bound.bit_count() == 1 for bound in bounds)
        if not whole or not 0 < self.low < self.high:
            raise ValueError(f"bad bounds [{self.low}, {self.high}]: must be powers of two")

    @property
    def _exponent(self) -> Integer:
        return Integer(self.low.bit_length() - 1, self.high.bit_length() - 1)

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
    """One of a few values, one-hot in the unit cube: the largest coordinate decides."""

    choices: tuple[Any, ...]

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


KINDS: Mapping[str, type[Any]] = {
    "float": Float,
    "integer": Integer,
    "power_of_two": PowerOfTwo,
    "categorical": Categorical,
}


@dataclass(frozen=True)
class Space:
    """Named parameters in a fixed order. A config is a mapping name -> value inside the space."""

    parameters: Mapping[str, Parameter]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.parameters)

    @property
    def width(self) -> int:
        """Number of coordinates of the unit cube (one a parameter, several for a categorical)."""
        return sum(p.width for p in self.parameters.values())

    def encode(self, config: Config) -> Array:
        """Map a config to the unit cube; shape ``(width,)``."""
        return np.array([u for n, p in self.parameters.items() for u in p.encode(config[n])])

    def decode(self, u: Array) -> dict[str, Any]:
        """Map a point of the unit cube, shape ``(width,)``, to a config; clips to the bounds."""
        config, at = {}, 0
        for name, parameter in self.parameters.items():
            config[name] = parameter.decode(u[at : at + parameter.width])
            at += parameter.width
        return config

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw one config uniformly (in the unit cube's sense)."""
        return self.decode(rng.random(self.width))

    def check(self, config: Config) -> None:
        """Raise ``ValueError`` with one clear line unless ``config`` lies in the space."""
        for name in config:
            if name not in self.parameters:
                hint = nearest(name, self.names)
                raise ValueError(f"unknown hyperparameter {name!r}{hint} (known: {self.names})")
        for name, parameter in self.parameters.items():
            if name not in config:
                raise ValueError(f"hyperparameter {name!r} is missing")
            parameter.check(name, config[name])

    def spec(self) -> dict[str, dict[str, Any]]:
        """The space as plain facts, for files; ``from_spec`` reads them."""
        facts: dict[str, dict[str, Any]] = {}
        for name, parameter in self.parameters.items():
            (kind,) = [kind for kind, made in KINDS.items() if type(parameter) is made]
            facts[name] = {"kind": kind} | vars(parameter)
            if kind == "integer" and not facts[name]["log"]:
                del facts[name]["log"]  # files made before this option exist and do not say it
        return facts

    @classmethod
    def from_spec(cls, spec: Mapping[str, Mapping[str, Any]]) -> Space:
        """Return the space with the given ``spec``.

        Raises:
            ValueError: an unknown kind, or options that it does not have or allow.
        """
        parameters: dict[str, Parameter] = {}
        for name, fact in spec.items():
            check_choice(f"{name}.kind", fact.get("kind"), KINDS)
            options = {k: tuple(v) if k == "choices" else v for k, v in fact.items() if k != "kind"}
            try:
                parameters[name] = KINDS[fact["kind"]](**options)
            except TypeError as error:
                raise ValueError(f"{name}: not a {fact['kind']} ({error})") from error
        return cls(parameters)

    def numbers(self, config: Config) -> list[float]:
        """A config as one number a hyperparameter: its value or, of a categorical, its place."""
        return [
            float(p.choices.index(config[n]) if isinstance(p, Categorical) else config[n])
            for n, p in self.parameters.items()
        ]

    def from_numbers(self, numbers: Sequence[float]) -> dict[str, Any]:
        """The config that ``numbers`` gave."""
        config: dict[str, Any] = {}
        for (name, parameter), number in zip(self.parameters.items(), numbers, strict=True):
            if isinstance(parameter, Categorical):
                config[name] = parameter.choices[int(number)]
            else:
                whole = isinstance(parameter, Integer | PowerOfTwo)
                config[name] = int(number) if whole else float(number)
        return config
