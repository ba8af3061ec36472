"""Settings of a run as the command line composes them, with changes."""

from __future__ import annotations

import copy
import functools
from typing import Any

from benchmarks.compose import compose
from benchmarks.settings import RunSettings, parse_run


@functools.cache
def _composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    return compose("config", overrides)


def composed(*overrides: str) -> dict[str, Any]:
    """Settings of a run, composed once in a process: many tests look at every YAML."""
    return copy.deepcopy(_composed(overrides))


def plain_settings(**changes: Any) -> dict[str, Any]:
    """Plain settings; a change of a group (``workers={"n": 2}``) changes these keys of it."""
    settings = composed("method=random", "task=branin")
    for name, value in changes.items():
        merge = isinstance(value, dict) and name in ("workers", "budget")
        settings[name] = {**settings[name], **value} if merge else value
    return settings


def run_settings(**changes: Any) -> RunSettings:
    """The same, parsed."""
    return parse_run(plain_settings(**changes))
