"""Compose and check settings, and build methods and tasks from them. Errors are one line."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Space, nearest
from benchmarks.core.trial import Fidelities
from benchmarks.old_names import OLD_NAMES


class ConfigError(ValueError):
    """A user's mistake in the settings; the message is one line."""


def compose(primary: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Compose ``conf/<primary>.yaml`` and command-line overrides into a plain dict.

    Raises:
        ConfigError: an unknown group option or key, or an invalid value.
    """
    try:
        with hydra.initialize_config_module("conf", version_base="1.3"):
            config = hydra.compose(primary, list(overrides))
        plain = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(friendly(error, overrides, primary)) from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def friendly(error: Exception, overrides: Sequence[str], primary: str = "config") -> str:
    """Return an error as one line, with the allowed values and the nearest match if possible.

    Args:
        error: a ``ConfigError``, whose message is returned unchanged, or an error of Hydra or
            OmegaConf.
        overrides: command-line overrides; they determine which keys exist.
        primary: name of the primary YAML.
    """
    text = str(error)
    option = re.search(r"Could not find '([^/']+)/([^']+)'", text)
    listed = re.search(
        r"Available options in '[^']+':\s*(.*?)(?:\nConfig search path|$)", text, re.S
    )
    if option and listed:
        group, name = option.groups()
        allowed = listed.group(1).split()
        return f"{group}={name}: allowed are {', '.join(allowed)}{nearest(name, allowed)}"
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        keys = _known_keys(overrides, primary)
        siblings = [k for k in keys if k.rpartition(".")[0] == key.group(1).rpartition(".")[0]]
        hint = nearest(key.group(1), keys)
        allowed = f" (allowed: {', '.join(siblings or keys)})" if keys else ""
        return f"unknown key {key.group(1)}{hint}{allowed}"
    if isinstance(error, ConfigError):
        return text
    return " ".join(f"{error.__cause__ or error}".split())


def _known_keys(overrides: Sequence[str], primary: str) -> list[str]:
    """Return all keys of the settings composed from the group choices among the overrides."""
    groups = r"(method|task|budget|experiment)=[\w-]+|hydra\.searchpath=.*"
    choices = [o for o in overrides if re.fullmatch(groups, o)]
    if len(choices) == len(overrides):
        return []  # composing the same again would fail again
    try:
        settings = compose(primary, choices)
    except ConfigError:
        return []  # a choice is wrong, too, so the keys are not known
    keys = []
    for name, value in settings.items():
        keys.append(name)
        if isinstance(value, Mapping):
            keys.extend(f"{name}.{inner}" for inner in value)
    return keys


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check the settings that no constructor checks.

    Raises:
        ConfigError: a value has the wrong type or is out of range.
    """
    seed = settings["seed"]
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ConfigError(f"seed={seed}: must be a whole number, 0 or more; sweep with -m")
    threads = settings["threads"]
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise ConfigError(f"threads={threads}: must be a whole number, 1 or more")
    for name in ("resume", "plot", "summary"):
        if not isinstance(settings[name], bool):
            raise ConfigError(f"{name}={settings[name]}: allowed are true, false")
    if not isinstance(settings["allow"], list):
        raise ConfigError(f"allow={settings['allow']}: must be a list, allow=[my_pkg]")
    for group in ("method", "task"):
        if not isinstance(settings[group], Mapping) or "_target_" not in settings[group]:
            raise ConfigError(f"{group}: its YAML needs a _target_")
        if not isinstance(settings[group].get("name"), str):
            raise ConfigError(f"{group}: its YAML needs a name")


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
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"_target_={target}: {error}") from error
    if not hasattr(loaded, name):
        hint = nearest(name, dir(loaded))
        raise ConfigError(f"_target_={target}: module {module} has no attribute {name}{hint}")
    factory: Callable[..., Any] = getattr(loaded, name)
    return factory


@functools.cache
def _current_name(target: str) -> str:
    """Return what a name of version 0.1 is now, and say so once in this process."""
    if target not in OLD_NAMES:
        return target
    new = OLD_NAMES[target]
    print(f"_target_={target} is now {new}; the next version drops the old", file=sys.stderr)
    return new


def build_task(settings: Mapping[str, Any], allow: Sequence[str]) -> Task:
    """Build a task.

    Args:
        settings: settings of group ``task``.
        allow: packages that ``_target_`` may name besides ``methods`` and ``tasks``.

    Raises:
        ConfigError: an option is unknown or invalid, or ``_target_`` cannot be imported.
    """
    task: Task = _build("task", settings, allow)
    return task


def build_method(
    settings: Mapping[str, Any], allow: Sequence[str], space: Space, fidelities: Fidelities
) -> Method:
    """Build a method.

    Args:
        settings: settings of group ``method``.
        allow: packages that ``_target_`` may name besides ``methods`` and ``tasks``.
        space: that of the task.
        fidelities: those of the task.

    Raises:
        ConfigError: an option is unknown or invalid, or ``_target_`` cannot be imported.
    """
    method: Method = _build("method", settings, allow, space, fidelities)
    return method


def options_at_default(settings: Mapping[str, Any], allow: Sequence[str]) -> list[str]:
    """Return the options of a method or task whose value is the default of its constructor."""
    parameters = inspect.signature(locate(settings["_target_"], allow)).parameters
    return sorted(
        name
        for name, value in settings.items()
        if name in parameters and _plain(parameters[name].default) == _plain(value)
    )


def _plain(value: Any) -> Any:
    """Convert a value to what a YAML file would hold: a tuple to a list."""
    return list(value) if isinstance(value, tuple) else value


def _build(group: str, settings: Mapping[str, Any], allow: Sequence[str], *first: Any) -> Any:
    options = {k: v for k, v in settings.items() if k not in ("_target_", "name")}
    factory = locate(settings["_target_"], allow)
    parameters = inspect.signature(factory).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for name in options:
            if name not in parameters:
                raise ConfigError(f"unknown key {group}.{name}{nearest(name, list(parameters))}")
    try:
        return factory(*first, **options)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{group}={settings['name']}: {error}") from error
