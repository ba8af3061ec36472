"""Training of the language model: AdamW, linear warm-up, cosine decay over a full training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tasks.language_model.network import Transformer
from tasks.language_model.text import Tokens
from tasks.training.training import DivergedError, Training

CLIP = 1.0
"""gradients are clipped to this norm, as in nanoGPT"""
BETA1 = 0.9
SCORED = 128
"""batch size of scoring, in windows"""


@dataclass(frozen=True)
class Problem:
    """Data and lengths that are the same for all configs."""

    train: Tokens
    subset: Tokens
    """validation windows scored after each unit; shape ``(count, context + 1)``"""
    validation: Tokens
    """all validation windows, scored after the last unit"""
    test: Tokens
    characters: int
    context: int
    units: int
    """number of units of a full training"""
    steps: int
    """optimiser steps per unit"""


class LanguageTraining(Training):
    """Train one config; a unit is ``Problem.steps`` optimiser steps."""

    def __init__(
        self,
        problem: Problem,
        config: Mapping[str, Any],
        seed: int,
        between: Callable[[], object] | None = None,
    ) -> None:
        """Build network and optimiser; ``between`` is as in ``Training``."""
        super().__init__(seed, torch.device("cpu"), between)
        self._problem, self._config = problem, config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = Transformer(
                problem.characters,
                problem.context,
                int(config["width"]),
                int(config["layers"]),
                float(config["dropout"]),
            )
        matrices = [p for p in self._network.parameters() if p.dim() >= 2]
        vectors = [p for p in self._network.parameters() if p.dim() < 2]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": float(config["weight_decay"])},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=float(config["learning_rate"]),
            betas=(BETA1, 1 - float(config["one_minus_beta2"])),
        )

    def _parts(self) -> Mapping[str, Any]:
        return {"network": self._network, "optimiser": self._optimiser}

    def _train_unit(self) -> float:
        problem, batch = self._problem, int(self._config["batch_size"])
        self._network.train()
        total = 0.0
        for step in range(self.done * problem.steps, (self.done + 1) * problem.steps):
            starts = self._rng.integers(len(problem.train) - problem.context, size=batch)
            window = problem.train[starts[:, None] + np.arange(problem.context + 1)]
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate(self._config, step, problem.units * problem.steps)
            loss = self._losses(window).mean()
            value = float(loss.detach())
            if not math.isfinite(value):
                raise DivergedError(f"the training loss was {value} in step {step + 1}")
            total += value
            self._optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self._network.parameters(), CLIP)
            self._optimiser.step()
        return total / problem.steps

    def _validate(self) -> float:
        return self._mean(self._problem.subset)

    def _judge(self, loss: float, last: bool, every_test: bool) -> tuple[float, float | None]:
        if self.done + 1 < self._problem.units:
            return loss, None
        return self._mean(self._problem.validation), self._mean(self._problem.test)

    @torch.no_grad()
    def _mean(self, windows: Tokens) -> float:
        """Return the mean cross-entropy, in nats per character."""
        self._network.eval()
        total = sum(
            float(self._losses(windows[start : start + SCORED]).double().sum())
            for start in range(0, len(windows), SCORED)
        )
        mean = total / (len(windows) * self._problem.context)
        if not math.isfinite(mean):
            raise DivergedError(f"the validation loss was {mean} after unit {self.done + 1}")
        return mean

    def _losses(self, windows: Tokens) -> torch.Tensor:
        """Return the cross-entropy of all predicted tokens, shape ``(count * context,)``."""
        tokens = torch.from_numpy(windows)
        logits = self._network(tokens[:, :-1])
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none"
        )


def learning_rate(config: Mapping[str, Any], step: int, steps: int) -> float:
    """Return the learning rate of step ``step`` (from 0) of ``steps``.

    It rises linearly during the share ``warmup`` of the steps; cosine decay follows, to the share
    ``final_rate`` of the peak at the last step.
    """
    peak, final = float(config["learning_rate"]), float(config["final_rate"])
    warm = float(config["warmup"]) * steps
    if step < warm:
        return peak * (step + 1) / (warm + 1)
    passed = (step - warm) / max(steps - 1 - warm, 1)
    return peak * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * passed)))
