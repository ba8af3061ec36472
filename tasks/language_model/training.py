"""Training of the language model: AdamW, linear warm-up, cosine decay over a full training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tasks.language_model.network import Transformer
from tasks.language_model.text import Tokens
from tasks.training.network_training import CPU, SubsetTraining
from tasks.training.training import DivergedError

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
    device: torch.device = CPU


class LanguageTraining(SubsetTraining):
    """Train one config; a unit is ``Problem.steps`` optimiser steps."""

    _problem: Problem

    def _build_network(self) -> nn.Module:
        return Transformer(
            self._problem.characters,
            self._problem.context,
            int(self._config["width"]),
            int(self._config["layers"]),
            float(self._config["dropout"]),
        )

    def _build_optimiser(self) -> torch.optim.Optimizer:
        matrices = [p for p in self._network.parameters() if p.dim() >= 2]
        vectors = [p for p in self._network.parameters() if p.dim() < 2]
        return torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": float(self._config["weight_decay"])},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=float(self._config["learning_rate"]),
            betas=(BETA1, 1 - float(self._config["one_minus_beta2"])),
        )

    def _train_unit(self) -> float:
        problem, batch = self._problem, int(self._config["batch_size"])
        self._network.train()
        total = 0.0
        for step in range(self.done * problem.steps, (self.done + 1) * problem.steps):
            starts = self._rng.integers(len(problem.train) - problem.context, size=batch)
            window = problem.train[starts[:, None] + np.arange(problem.context + 1)]
            loss = self._losses(window).mean()
            rate = learning_rate(self._config, step, problem.units * problem.steps)
            total += self._descend(loss, rate, f"step {step + 1}", CLIP)
        return total / problem.steps

    @torch.no_grad()
    def _score(self, part: Tokens) -> float:
        """Return the mean cross-entropy, in nats per character."""
        self._network.eval()
        total = sum(
            float(self._losses(part[start : start + SCORED]).double().sum())
            for start in range(0, len(part), SCORED)
        )
        mean = total / (len(part) * self._problem.context)
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
