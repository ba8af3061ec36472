"""Compose settings from ``conf`` and the command line; Hydra's errors become one line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from benchmarks.core.space import nearest
from benchmarks.settings import ConfigError

NO_NAME = "Config group override must be a string"
"""Hydra's words, in a plain ValueError, for ``task=3945``"""
HYDRA_ERRORS = (ConfigError, HydraException, OmegaConfBaseException, YAMLError, ValueError)
"""what a mistake in a command line or a YAML raises"""


def compose(primary: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Compose ``conf/<primary>.yaml`` and command-line overrides into a plain dict.

    Raises:
        ConfigError: an unknown group option or key, or an invalid value.
    """
    try:
        with hydra.initialize_config_module("conf", version_base="1.3"):
            config = hydra.compose(primary, list(overrides))
        plain = OmegaConf.to_container(config, resolve=True)
    except HYDRA_ERRORS as error:
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
    if NO_NAME in text:
        found = [
            o
            for o in overrides
            if re.fullmatch(r"(method|task|budget|experiment)=([\d.]+|null)", o)
        ]
        return f"{(found or ['a choice'])[0]}: must be the name of one, see untunable list"
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
