"""Search spaces: named hyperparameters, and their mapping to the unit cube used by models."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.parameters import (
    Categorical,
    Constant,
    Float,
    Indexed,
    Integer,
    Ordinal,
    Parameter,
    PowerOfTwo,
)

__all__ = [
    "KINDS",
    "Categorical",
    "Config",
    "Constant",
    "Float",
    "Integer",
    "Ordinal",
    "Parameter",
    "PowerOfTwo",
    "Space",
    "check_choice",
    "nearest",
]
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


KINDS: Mapping[str, type[Any]] = {
    "float": Float,
    "integer": Integer,
    "power_of_two": PowerOfTwo,
    "categorical": Categorical,
    "ordinal": Ordinal,
    "constant": Constant,
}


@dataclass(frozen=True)
class Space:
    """Named hyperparameters in a fixed order; a config maps each name to an allowed value."""

    parameters: Mapping[str, Parameter]

    def __post_init__(self) -> None:
        """Check the hyperparameters.

        Raises:
            ValueError: there is none that varies, a name is not a text, or one is not a
                ``Parameter``.
        """
        if not isinstance(self.parameters, Mapping) or not self.parameters:
            raise ValueError("a space needs at least one hyperparameter, {name: Float(0, 1)}")
        for name, parameter in self.parameters.items():
            if not isinstance(name, str) or not name:
                raise ValueError(f"hyperparameter {name!r}: its name must be a text")
            if isinstance(parameter, type) or not hasattr(parameter, "decode"):
                raise ValueError(
                    f"hyperparameter {name!r}: {parameter!r} is none of "
                    "Float, Integer, PowerOfTwo, Categorical, Ordinal, Constant"
                )
        if not self.width:
            raise ValueError("a space needs at least one hyperparameter that varies")

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
        """Return one number per hyperparameter: its value or, for choices, the index of it."""
        return [_number(parameter, config[name]) for name, parameter in self.parameters.items()]

    def from_numbers(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return the config that ``numbers`` converted; its inverse."""
        pairs = zip(self.parameters.items(), numbers, strict=True)
        return {name: _value(parameter, number) for (name, parameter), number in pairs}


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(parameter, Constant):
        return 0.0
    return float(parameter.choices.index(value) if isinstance(parameter, Indexed) else value)


def _value(parameter: Parameter, number: float) -> Any:
    if isinstance(parameter, Constant):
        return parameter.value
    if isinstance(parameter, Indexed):
        return parameter.choices[int(number)]
    return int(number) if isinstance(parameter, Integer | PowerOfTwo) else float(number)
