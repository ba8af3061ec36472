"""Checkpoints of trainings: one file per config, seed and number of trained units."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


class Checkpoints:
    """Save and load states of trainings in a folder."""

    def __init__(self, folder: str | Path, trained: Sequence[Any], device: torch.device) -> None:
        """``trained`` lists all that a state depends on besides config, seed and units trained."""
        self._folder, self._trained, self._device = Path(folder).expanduser(), trained, device

    def path(self, config: Mapping[str, Any], seed: int, units: int) -> Path:
        """Return the path of the checkpoint, whether it exists or not."""
        facts = repr([list(self._trained), sorted(config.items()), seed])
        key = hashlib.sha256(facts.encode()).hexdigest()[:24]
        return self._folder / f"{key}-{units}.pt"

    def load(self, config: Mapping[str, Any], seed: int, units: int) -> dict[str, Any] | None:
        """Load a state; None if the file is missing or unreadable: training then starts afresh."""
        path = self.path(config, seed, units)
        try:
            state: dict[str, Any] = torch.load(path, map_location=self._device, weights_only=True)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
            return None
        return state

    def save(
        self, config: Mapping[str, Any], seed: int, units: int, state: Mapping[str, Any]
    ) -> str | None:
        """Save a state atomically: readers see the old file or the new one.

        Returns:
            The error message if saving failed, else None. No error is raised, since the result of
            the finished training must not be lost with its checkpoint.
        """
        path = self.path(config, seed, units)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(dict(state), temporary)
            os.replace(temporary, path)
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return f"{type(error).__name__}: {error}"
        return None
