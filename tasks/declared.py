"""A task that is only declared: its trainings are started by others, who ask and tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Observation
from tasks.command import fidelities_of


class Declared(Task):
    """Names a space and fidelities; for ``untunable ask`` and ``tell``."""

    def __init__(
        self,
        space: Mapping[str, Mapping[str, Any]],
        fidelity: Mapping[str, Any] | None = None,
        resumable: bool = False,
        maximise: bool = False,
    ) -> None:
        """Declare the task.

        Args:
            space: hyperparameters, as ``Space.from_spec`` reads them.
            fidelity: as in ``tasks.command.Command``.
            resumable: a training of a config can be continued.
            maximise: told losses are values to maximise.

        Raises:
            ValueError: the space or the fidelity is not valid.
        """
        self.space = Space.from_spec(space)
        self.fidelities = fidelities_of(fidelity or {}, resumable)
        self.maximise = maximise

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        raise RuntimeError(
            "this task is only declared: use untunable ask and tell, or a command (task=command)"
        )
