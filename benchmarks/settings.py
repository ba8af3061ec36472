"""The settings of a run and of a recorder, parsed once into frozen objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from benchmarks.budget import LIMITS, Budget
from benchmarks.core.space import nearest

DEFAULT_TRAININGS = 2
"""the limit of a run without any other, so that methods are compared at equal cost"""


class ConfigError(ValueError):
    """A user's mistake in the settings; the message is one line."""


# The description of a type ends the message "<key>=<value>: must be ...".
Seed = Annotated[int, Meta(ge=0, description="a whole number, 0 or more; sweep with -m")]
Count = Annotated[int, Meta(ge=1, description="a whole number, 1 or more")]
Switch = Annotated[bool, Meta(description="true or false")]
Seconds = Annotated[float, Meta(gt=0, description="a positive number of seconds, or null")]
Packages = Annotated[tuple[str, ...], Meta(description="a list of packages, allow=[my_pkg]")]
Text = Annotated[str, Meta(description="a text")]
Folder = Annotated[str, Meta(min_length=1, description="a folder")]
Name = Annotated[
    str,
    Meta(
        pattern=r"^(?!\.+$)[^/\\\x00-\x1f]{1,200}$",
        description="a name without slashes: it becomes the name of a folder",
    ),
]
EngineName = Annotated[
    Literal["virtual", "serial", "local", "dask"],
    Meta(description="virtual, serial, local, dask or null"),
]
Overhead = Annotated[
    Literal["measured"] | Annotated[float, Meta(ge=0, lt=1e300)],
    Meta(description="a number of seconds, 0 or more, or measured"),
]


class Component(Struct, frozen=True):
    """Settings of a method or a task: the class, its name, and the options of its constructor."""

    target: str
    """dotted name of a class, or of a function that returns an instance (``_target_``)"""
    name: Name
    options: dict[str, Any]


class Workers(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of group ``workers``."""

    n: Count = 1
    engine: EngineName | None = None
    """None: ``virtual`` for reproducible tasks, otherwise ``serial`` or, for several workers,
    ``local``"""
    overhead: Overhead = 0.1
    address: Annotated[str, Meta(description="the address of a scheduler, or null")] | None = None


class RunSettings(Struct, frozen=True, kw_only=True):
    """Settings of a run; ``conf/config.yaml`` says what each one means."""

    method: Component
    task: Component
    budget: Annotated[Budget, Meta(description="a group: budget.trials=NUMBER, budget.cost=...")]
    seed: Seed
    study: Name
    results: Folder
    resume: Switch
    time_limit: Seconds | None
    workers: Annotated[Workers, Meta(description="a group: workers.n=NUMBER, workers.engine=...")]
    threads: Count
    plot: Switch
    summary: Switch
    allow: Packages
    allow_command: Switch = False
    plain: dict[str, Any]
    """the same as plain values, for the key of the run and its files"""


class RecordSettings(Struct, frozen=True, kw_only=True):
    """Settings of a recorder; ``conf/record.yaml`` says what each one means."""

    task: Component
    design: Annotated[dict[str, Any], Meta(description="a group with stages")]
    workers: Count
    rows: Folder | None
    table: Folder | None
    alone: Annotated[int, Meta(ge=1, description="a whole number, 1 or more, or null")] | None
    allow: Packages


S = TypeVar("S", RunSettings, RecordSettings)


def parse_run(plain: Mapping[str, Any]) -> RunSettings:
    """Parse the composed settings of a run.

    Raises:
        ConfigError: a value is missing, has the wrong type, or is out of range.
    """
    plain = {**plain, "budget": with_default_limit(plain.get("budget"))}
    return _parse(RunSettings, {**plain, "plain": plain})


def with_default_limit(budget: object) -> object:
    """Return the settings of a budget; one without a limit gets ``DEFAULT_TRAININGS``."""
    if isinstance(budget, Mapping) and all(budget.get(limit) is None for limit in LIMITS):
        return {**budget, "trainings": DEFAULT_TRAININGS}
    return budget


def parse_record(plain: Mapping[str, Any]) -> RecordSettings:
    """Parse the composed settings of a recorder.

    Raises:
        ConfigError: a value is missing, has the wrong type, or is out of range.
    """
    return _parse(RecordSettings, plain)


def parse_component(group: str, settings: object) -> Component:
    """Parse the settings of one method or task.

    Args:
        group: ``method`` or ``task``, for messages.
        settings: ``_target_``, ``name`` and options.

    Raises:
        ConfigError: ``_target_`` or ``name`` is missing or not a text.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{group}={settings}: must be a group with a _target_ and a name")
    for key in ("_target_", "name"):
        if not isinstance(settings.get(key), str):
            raise ConfigError(f"{group}: its YAML needs a {key}")
    options = {str(k): v for k, v in settings.items() if k not in ("_target_", "name")}
    plain = {"target": settings["_target_"], "name": settings["name"], "options": options}
    try:
        return msgspec.convert(plain, Component)
    except msgspec.ValidationError as error:
        raise ConfigError(_message(error, plain, Component, f"{group}.")) from error


def _parse(kind: type[S], plain: Mapping[str, Any]) -> S:
    groups = {group: plain.get(group) for group in ("method", "task") if group in plain}
    parsed = {group: parse_component(group, settings) for group, settings in groups.items()}
    try:
        return msgspec.convert({**plain, **parsed}, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(_message(error, plain, kind)) from error


def _message(
    error: msgspec.ValidationError, plain: Mapping[str, Any], kind: type, prefix: str = ""
) -> str:
    """Return one line: the key, its value, what is allowed, and the nearest match."""
    if isinstance(error.__cause__, ValueError):  # of a __post_init__, which names the key
        return str(error.__cause__)
    text = str(error)
    path = re.search(r"at `\$\.([^`]*)`", text)
    keys = [key for key in (path.group(1) if path else "").split(".") if key]
    missing = re.search(r"(unknown|missing required) field `([^`]*)`", text)
    if missing:
        where = prefix + ".".join([*keys, missing.group(2)])
        allowed = _hints(_type_at(kind, keys))
        if missing.group(1) == "unknown":
            return f"unknown key {where}{nearest(missing.group(2), list(allowed))}"
        return f"{where} is missing"
    value: Any = plain
    for key in keys:
        value = value[key] if isinstance(value, Mapping) and key in value else None
    described = _description(_type_at(kind, keys)) or text
    choices = [str(choice) for choice in _choices(_type_at(kind, keys))]
    return f"{prefix}{'.'.join(keys)}={value}: must be {described}{nearest(str(value), choices)}"


def _hints(kind: Any) -> dict[str, Any]:
    for inner in (kind, *get_args(kind)):
        if isinstance(inner, type) and issubclass(inner, Struct):
            return get_type_hints(inner, include_extras=True)
    return {}


def _type_at(kind: Any, keys: list[str]) -> Any:
    for key in keys:
        kind = _hints(kind).get(re.sub(r"\[.*", "", key), kind)
    return kind


def _description(kind: Any) -> str | None:
    """Return the description of a type, or of the first part of a union that has one."""
    for inner in (kind, *get_args(kind)):
        for meta in getattr(inner, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    return None


def _choices(kind: Any) -> list[Any]:
    if getattr(kind, "__origin__", None) is Literal:
        return list(get_args(kind))
    return [choice for inner in get_args(kind) for choice in _choices(inner)]
