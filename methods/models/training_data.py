"""Training data of model-based methods: the trials of a history as arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import History
from methods.models.loss_transform import succeeded, transform_in_use, transformed

SMALLEST_COST = 1e-6
"""lower bound on costs, in seconds, before their logarithm is taken"""


class Pending(NamedTuple):
    """The ``p`` pending trials, in the order of their numbers."""

    x: Array
    """configs in the unit cube, shape ``(p, width)``"""
    s: Array
    """fidelities, shape ``(p,)``"""


@dataclass(frozen=True)
class TrainingData:
    """The ``n`` finished trials as arrays, in the order of their numbers."""

    configs: tuple[Config, ...]
    x: Array
    """configs in the unit cube, shape ``(n, width)``"""
    s: Array
    """fidelities, shape ``(n,)``"""
    loss: Array
    """modelled loss (see ``transform``), shape ``(n,)``; failed trials have the highest one of the
    successful trials"""
    log_cost: Array
    """logarithm of the cost in seconds, shape ``(n,)``"""
    ok: NDArray[np.bool_]
    """False where the trial failed, timed out or diverged, shape ``(n,)``"""
    overhead: float = 0.0
    """CPU seconds that the suggestion of the latest trial took"""
    pending: Pending | None = None
    """pending trials, to which no model is fitted; None if there are none"""
    transform: str = "log"
    """what the losses are modelled as: ``log``, ``ranks`` or ``none``"""

    @property
    def all_x(self) -> Array:
        """Configs of the finished and the pending trials, shape ``(n + p, width)``."""
        return self.x if self.pending is None else np.concatenate([self.x, self.pending.x])

    def best(self, predicted: Array) -> Config:
        """Return the successful config with the lowest of ``predicted`` losses, shape ``(n,)``."""
        return self.configs[int(np.argmin(np.where(self.ok, predicted, np.inf)))]

    @property
    def key(self) -> str:
        """Digest of all that a model is fitted to: equal keys give equal models."""
        digest = hashlib.sha256()
        for array in (self.x, self.s, self.loss, self.log_cost, self.ok):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def rng(self) -> np.random.Generator:
        """Return a generator seeded by the data alone, so that repeated fits agree."""
        return np.random.default_rng(int(self.key, 16))


Fitted = TypeVar("Fitted")


class CachedFit(Generic[Fitted]):
    """Caches the most recent fit, keyed by the training data.

    A method is asked for a suggestion and for its incumbent on the same history. ``fit`` must be a
    function of the training data alone, so that a fresh object gives the same answers.
    """

    def __init__(self, fit: Callable[[TrainingData], Fitted]) -> None:
        self._fit = fit
        self._kept: tuple[str, Fitted] | None = None

    def __call__(self, data: TrainingData) -> Fitted:
        """Return the fit to ``data``; refit only if the data have changed."""
        key = data.key
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self._fit(data)
        return self._kept[1]


def finished(history: History) -> int:
    """Return the number of trials that are not running."""
    return len(history) - len(history.running)


def training_data(
    history: History,
    space: Space,
    *,
    transform: str = "log",
    only: Sequence[float] | None = None,
) -> TrainingData | None:
    """Return finished and pending trials as arrays; None if no trial has succeeded.

    Rule ``worst_seen``: a trial that failed, timed out or diverged gets the highest modelled loss
    of the successful ones; its cost is the real one.

    Args:
        history: the trials so far.
        space: space of their configs.
        transform: ``log`` for ``log(max(loss, history.loss_floor))``, which becomes ``ranks`` once
            a loss has no logarithm (see ``transform_in_use``); ``ranks`` for normal scores of ranks
            in any case; ``none`` for the loss itself.
        only: fidelities whose trials are used; None for all.
    """
    counted = [t for t in history if only is None or t.fidelity in only]
    trials = [t for t in counted if t.status != "running"]
    running = [t for t in counted if t.status == "running"]
    ok = np.array([succeeded(t) for t in trials], dtype=bool)
    if not ok.any():
        return None
    transform = transform_in_use(history, transform)
    s = np.array([t.fidelity for t in trials])
    loss = np.array([t.loss for t in trials], dtype=float)
    modelled = transformed(loss[ok], s[ok], transform, history.loss_floor)
    loss[ok], loss[~ok] = modelled, modelled.max()
    return TrainingData(
        configs=tuple(t.config for t in trials),
        x=np.stack([space.encode(t.config) for t in trials]),
        s=s,
        loss=loss,
        log_cost=np.log([max(t.cost, SMALLEST_COST) for t in trials]),
        ok=ok,
        overhead=history.trials[-1].overhead,
        pending=Pending(
            np.stack([space.encode(t.config) for t in running]),
            np.array([t.fidelity for t in running]),
        )
        if running
        else None,
        transform=transform,
    )
