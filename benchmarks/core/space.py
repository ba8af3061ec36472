"""Search spaces: named hyperparameters, and their mapping to the unit cube used by models."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmarks.core.arrays import Array

Config = Mapping[str, Any]


def nearest(word: str, allowed: Sequence[str]) -> str:
    """Return a hint such as ``"; did you mean 'log_c'?"``, or ``""`` without a close match."""
    match = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


def check_choice(option: str, value: object, allowed: Collection[str]) -> None:
    """Check that the value of an option is allowed.

    Args:
        option: full name of the option, e.g. ``method.rule`` or ``task.backend``.
        value: value of the option.
        allowed: names that it may have.

    Raises:
        ValueError: one line with the allowed values and the nearest match.
    """
    if value not in allowed:
        hint = nearest(str(value), list(allowed))
        raise ValueError(f"{option}={value}: allowed are {', '.join(allowed)}{hint}")


def _is_number(value: object, kind: type = float) -> bool:
    """Return True for a number: any real one, or a whole one with ``kind=int``."""
    allowed = (int, np.integer) if kind is int else (int, float, np.number)
    return isinstance(value, allowed) and not isinstance(value, bool)


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
    """One of a few values, encoded one-hot; ``decode`` takes that with the largest coordinate."""

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            ValueError: there is none, two are equal (as 1 and True), or one is neither a text, a
                number, nor a boolean.
        """
        if not self.choices:
            raise ValueError("choices=(): must have at least one value")
        for index, choice in enumerate(self.choices):
            if not isinstance(choice, str | bool | int | float):
                raise ValueError(f"choice {choice!r}: must be a text, a number, or a boolean")
            if choice in self.choices[:index]:
                twin = self.choices[self.choices.index(choice)]
                raise ValueError(f"choices {twin!r} and {choice!r} are equal")

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
    """Named hyperparameters in a fixed order; a config maps each name to an allowed value."""

    parameters: Mapping[str, Parameter]

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ValueError: there is no hyperparameter, or a name is not a text.
        """
        if not self.parameters:
            raise ValueError("a space needs at least one hyperparameter")
        for name in self.parameters:
            if not isinstance(name, str) or not name:
                raise ValueError(f"hyperparameter {name!r}: its name must be a text")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters, in order."""
        return tuple(self.parameters)

    @property
    def width(self) -> int:
        """Number of unit-cube coordinates: one per number, one per choice of a categorical."""
        return sum(p.width for p in self.parameters.values())

    def encode(self, config: Config) -> Array:
        """Map a config to a point of the unit cube, shape ``(width,)``."""
        return np.array([u for n, p in self.parameters.items() for u in p.encode(config[n])])

    def decode(self, u: Array) -> dict[str, Any]:
        """Map a point of the unit cube, shape ``(width,)``, to a config; clips to the bounds."""
        config, at = {}, 0
        for name, parameter in self.parameters.items():
            config[name] = parameter.decode(u[at : at + parameter.width])
            at += parameter.width
        return config

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw one config: decode a uniform point of the unit cube."""
        return self.decode(rng.random(self.width))

    def check(self, config: Config) -> None:
        """Raise a one-line ``ValueError`` unless ``config`` lies in the space."""
        for name in config:
            if name not in self.parameters:
                hint = nearest(name, self.names)
                raise ValueError(f"unknown hyperparameter {name!r}{hint} (allowed: {self.names})")
        for name, parameter in self.parameters.items():
            if name not in config:
                raise ValueError(f"hyperparameter {name!r} is missing")
            parameter.check(name, config[name])

    def spec(self) -> dict[str, dict[str, Any]]:
        """Return a JSON-able spec of each hyperparameter, by name; inverse of ``from_spec``."""
        specs: dict[str, dict[str, Any]] = {}
        for name, parameter in self.parameters.items():
            (kind,) = [kind for kind, cls in KINDS.items() if type(parameter) is cls]
            specs[name] = {"kind": kind} | vars(parameter)
            if kind == "integer" and not specs[name]["log"]:
                del specs[name]["log"]  # as in files written before this option existed
        return specs

    @classmethod
    def from_spec(cls, specs: Mapping[str, Mapping[str, Any]]) -> Space:
        """Build a space from the specs that ``spec`` returned.

        Raises:
            ValueError: an unknown kind of hyperparameter, or an unknown or invalid option of it.
        """
        parameters: dict[str, Parameter] = {}
        for name, spec in specs.items():
            check_choice(f"{name}.kind", spec.get("kind"), KINDS)
            options = {k: tuple(v) if k == "choices" else v for k, v in spec.items() if k != "kind"}
            try:
                parameters[name] = KINDS[spec["kind"]](**options)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name}: not of kind {spec['kind']} ({error})") from error
        return cls(parameters)

    def numbers(self, config: Config) -> list[float]:
        """Return one number per hyperparameter: its value or, if categorical, its index."""
        return [
            float(p.choices.index(config[n]) if isinstance(p, Categorical) else config[n])
            for n, p in self.parameters.items()
        ]

    def from_numbers(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return the config that ``numbers`` converted; its inverse."""
        config: dict[str, Any] = {}
        for (name, parameter), number in zip(self.parameters.items(), numbers, strict=True):
            if isinstance(parameter, Categorical):
                config[name] = parameter.choices[int(number)]
            else:
                whole = isinstance(parameter, Integer | PowerOfTwo)
                config[name] = int(number) if whole else float(number)
        return config
