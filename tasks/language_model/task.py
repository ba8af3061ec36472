"""A character-level language model on tiny Shakespeare; the fidelity is the share of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities
from tasks.training.live import LiveTraining, check_switches, check_whole
from tasks.training.source import factory_of

CONTEXT = 64
"""context length of the network, in characters"""
UNITS = 27
"""number of units of a full training; the loss is measured after each unit"""


class LanguageModel(LiveTraining):
    """Live task: a small decoder-only transformer, trained from scratch by AdamW.

    The loss is the cross-entropy, in nats per character, on a fixed subset of the validation text
    or, after the last unit, on all of it.
    """

    version = 1
    extra = "networks"

    def __init__(
        self,
        space: Mapping[str, Mapping[str, Any]],
        baseline_default: Config | None = None,
        data_dir: str | None = None,
        characters: int | None = None,
        steps: int = 540,
        subset_tokens: int = 16384,
        resume_training: bool = False,
        checkpoint_dir: str | None = None,
        training_seeds: int = 10,
        time_limit: float = 7200.0,
    ) -> None:
        """Start the worker process, which loads the text.

        Args:
            space: spec of the search space, see ``Space.spec``.
            baseline_default: the untuned config that gains are measured against.
            data_dir: folder with ``tinyshakespeare.txt``; None downloads it.
            characters: maximum number of characters of the text, for quick trials (2,000 or more);
                None uses all.
            steps: optimiser steps of a full training, a multiple of 27.
            subset_tokens: number of validation characters scored after each unit, a multiple of 64.
            resume_training: continue a config from its checkpoint and charge only the added units.
            checkpoint_dir: as in ``LiveTraining``.
            training_seeds: as in ``LiveTraining``.
            time_limit: as in ``LiveTraining``.

        Raises:
            ValueError: an option is out of range, or torch is not installed.
            tasks.datasets.DataError: the text is not available.
        """
        check_whole({"steps": steps, "subset_tokens": subset_tokens})
        check_switches({"resume_training": resume_training})
        if characters is not None and (not isinstance(characters, int) or characters < 2000):
            raise ValueError(f"task.characters={characters}: must be a whole number, 2000 or more")
        if steps % UNITS:
            raise ValueError(f"task.steps={steps}: must be a multiple of {UNITS}")
        if subset_tokens % CONTEXT:
            raise ValueError(f"task.subset_tokens={subset_tokens}: must be a multiple of {CONTEXT}")
        options = {
            "data_dir": data_dir,
            "characters": characters,
            "context": CONTEXT,
            "units": UNITS,
            "steps": steps,
            "subset_tokens": subset_tokens,
        }
        super().__init__(
            "tasks.language_model.worker",
            options,
            Space.from_spec(space),
            Fidelities(
                values=tuple(unit / UNITS for unit in range(1, UNITS + 1)),
                full=steps,
                unit="steps",
                resumable=resume_training,
            ),
            units=UNITS,
            baselines={"default": baseline_default},
            checkpoint_dir=checkpoint_dir,
            training_seeds=training_seeds,
            time_limit=time_limit,
        )
        facts = self._facts()
        self._identity = {
            "data": facts.pop("data"),
            "characters": characters,
            "steps": steps,
            "subset_tokens": subset_tokens,
            "context": CONTEXT,
        }
        self.sizes = facts
        self.loss_floor = 0.01


lm_shakespeare = factory_of(LanguageModel, ("characters", "steps", "subset_tokens"))
"""builds the task ``lm_shakespeare``: the replay of its table, or ``LanguageModel``"""
