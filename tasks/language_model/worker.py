"""Worker process of ``LanguageModel``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tasks.language_model.text import load_text, windows
from tasks.language_model.training import LanguageTraining, Problem
from tasks.training.worker import Worker, set_deterministic


@dataclass(frozen=True)
class Options:
    """Options of the training, as in the task's constructor."""

    data_dir: str | None
    characters: int | None
    context: int
    units: int
    steps: int
    subset_tokens: int
    checkpoint_dir: str | None


def build(options: Options) -> Callable[..., Any]:
    """Load the text and return the function that serves requests; runs in the worker process."""
    set_deterministic()
    return _Worker(options).answer


class _Worker(Worker):
    def __init__(self, options: Options) -> None:
        text = load_text(options.data_dir, options.characters)
        validation, test = (windows(part, options.context) for part in (text.validation, text.test))
        chosen = np.random.default_rng(0).permutation(len(validation))
        subset = validation[np.sort(chosen[: options.subset_tokens // options.context])]
        self._sha256 = text.sha256
        self._problem = Problem(
            text.train,
            subset,
            validation,
            test,
            text.characters,
            options.context,
            options.units,
            options.steps // options.units,
        )
        trained = [
            text.sha256,
            options.characters,
            options.context,
            options.steps,
            options.subset_tokens,
        ]
        super().__init__(options.units, options.checkpoint_dir, trained, torch.device("cpu"))

    def facts(self) -> dict[str, Any]:
        problem = self._problem
        return {
            "data": f"tinyshakespeare {self._sha256}",
            "training characters": len(problem.train),
            "validation characters": problem.validation[:, 1:].size,
            "test characters": problem.test[:, 1:].size,
            "different characters": problem.characters,
        }

    def start(
        self, config: Mapping[str, Any], seed: int, between: Callable[[], object] | None
    ) -> LanguageTraining:
        return LanguageTraining(self._problem, config, seed, between)
