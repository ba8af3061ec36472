"""Build methods and tasks from their settings. Errors are one line."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.core.protocols import Method, Task
from benchmarks.core.scaled_costs import ScaledCosts
from benchmarks.core.space import Space, nearest
from benchmarks.core.trial import Fidelities
from benchmarks.facts import check_facts
from benchmarks.old_names import OLD_NAMES
from benchmarks.settings import Component, ConfigError, parse_component

HOURS = "hours_per_training"
"""option of every task, see ``benchmarks.core.scaled_costs``"""


def locate(target: str, allow: Sequence[str]) -> Callable[..., Any]:
    """Import the class or function that a ``_target_`` names.

    Names from version 0.1 still work, with a line on stderr.

    Args:
        target: dotted name.
        allow: packages that are allowed besides ``methods`` and ``tasks``.

    Raises:
        ConfigError: the package is not allowed, or has no such module or name.
    """
    target = _current_name(target)
    package = target.split(".")[0]
    allowed = ["methods", "tasks", *allow]
    if package not in allowed:
        raise ConfigError(
            f"_target_={target}: allowed packages are {', '.join(allowed)}; "
            f"to allow another, set allow=[{package}]"
        )
    module, _, name = target.rpartition(".")
    if name.startswith("_"):
        raise ConfigError(f"_target_={target}: a class or function must be public")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"_target_={target}: {error}") from error
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise ConfigError(f"_target_={target}: {_one_line(error)}") from error
    if not hasattr(loaded, name):
        hint = nearest(name, dir(loaded))
        raise ConfigError(f"_target_={target}: module {module} has no attribute {name}{hint}")
    factory: Callable[..., Any] = getattr(loaded, name)
    return factory


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _check_factory(target: str, factory: Callable[..., Any], kind: type) -> None:
    """Refuse a target that makes something else: a YAML of another person may name anything.

    Raises:
        ConfigError: it is neither a class derived from ``kind`` nor a function annotated to return
            one.
    """
    made: Any = factory
    if not inspect.isclass(factory):
        try:
            made = typing.get_type_hints(factory).get("return")
        except (TypeError, NameError):
            made = None
    if not (inspect.isclass(made) and issubclass(made, kind)):
        name = kind.__name__
        raise ConfigError(
            f"_target_={target}: must be a class derived from {name}, or a function that is "
            f"annotated with -> {name}"
        )


@functools.cache
def _current_name(target: str) -> str:
    """Return what a name of version 0.1 is now, and say so once in this process."""
    if target not in OLD_NAMES:
        return target
    new = OLD_NAMES[target]
    print(f"_target_={target} is now {new}; the next version drops the old", file=sys.stderr)
    return new


def build_task(settings: Component | Mapping[str, Any], allow: Sequence[str]) -> Task:
    """Build a task.

    Args:
        settings: settings of group ``task``, composed or parsed.
        allow: packages that ``_target_`` may name besides ``methods`` and ``tasks``.

    Raises:
        ConfigError: an option is unknown or invalid, or ``_target_`` cannot be imported.
    """
    if not isinstance(settings, Component):
        settings = parse_component("task", settings)
    options = dict(settings.options)
    hours = options.pop(HOURS, None)
    task: Task = _build("task", Component(settings.target, settings.name, options), allow)
    if hours is None:
        return task
    try:
        return ScaledCosts(task, hours)
    except ValueError as error:
        task.close()
        raise ConfigError(f"task={settings.name}: {error}") from error


def build_method(
    settings: Component | Mapping[str, Any],
    allow: Sequence[str],
    space: Space,
    fidelities: Fidelities,
) -> Method:
    """Build a method.

    Args:
        settings: settings of group ``method``, composed or parsed.
        allow: packages that ``_target_`` may name besides ``methods`` and ``tasks``.
        space: that of the task.
        fidelities: those of the task.

    Raises:
        ConfigError: an option is unknown or invalid, or ``_target_`` cannot be imported.
    """
    method: Method = _build("method", settings, allow, space, fidelities)
    return method


def options_at_default(component: Component, allow: Sequence[str]) -> list[str]:
    """Return the options of a method or task whose value is the default of its constructor."""
    parameters = inspect.signature(locate(component.target, allow)).parameters
    return sorted(
        name
        for name, value in component.options.items()
        if name in parameters and _plain(parameters[name].default) == _plain(value)
    )


def _plain(value: Any) -> Any:
    """Convert a value to what a YAML file would hold: a tuple to a list."""
    return list(value) if isinstance(value, tuple) else value


def _build(
    group: str, settings: Component | Mapping[str, Any], allow: Sequence[str], *first: Any
) -> Any:
    if not isinstance(settings, Component):
        settings = parse_component(group, settings)
    factory = locate(settings.target, allow)
    _check_factory(settings.target, factory, {"method": Method, "task": Task}[group])
    parameters = inspect.signature(factory).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for name in settings.options:
            if name not in parameters:
                raise ConfigError(f"unknown key {group}.{name}{nearest(name, list(parameters))}")
    try:
        built = factory(*first, **settings.options)
        check_facts(built)
        return built
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{group}={settings.name}: {' '.join(str(error).split())}") from error
    except (Exception, SystemExit) as error:  # of a user's constructor
        raise ConfigError(f"{group}={settings.name}: {_one_line(error)}") from error
