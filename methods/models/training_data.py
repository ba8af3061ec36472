"""From a history to arrays: what every model-based method is fitted to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import History, Trial

TRANSFORMS = ("log", "none")
"""what can be modelled: the logarithm of the loss, or the loss itself"""
SMALLEST_COST = 1e-6
"""seconds; costs below are raised to it before their logarithm is taken"""


class Pending(NamedTuple):
    """The running trials, ``p`` of them, in order of their numbers."""

    x: Array
    """configs in the unit cube, shape ``(p, width)``"""
    s: Array
    """fidelities, shape ``(p,)``"""


@dataclass(frozen=True)
class Targets:
    """The finished trials as arrays, ``n`` rows in order of their numbers."""

    configs: tuple[Config, ...]
    x: Array
    """configs in the unit cube, shape ``(n, width)``"""
    s: Array
    """fidelities, shape ``(n,)``"""
    loss: Array
    """the modelled loss (its logarithm, unless it is asked for as it is), shape ``(n,)``; trials
    that did not end well hold the worst one seen"""
    log_cost: Array
    """logarithm of the cost in seconds, shape ``(n,)``"""
    ok: NDArray[np.bool_]
    """False where the trial did not end well, shape ``(n,)``"""
    overhead: float = 0.0
    """CPU seconds that the latest of all trials took to suggest"""
    pending: Pending | None = None
    """the running trials, to which nothing is fitted; None if there are none"""

    @property
    def known(self) -> Array:
        """Configs of the finished and of the running trials, shape ``(n + p, width)``."""
        return self.x if self.pending is None else np.concatenate([self.x, self.pending.x])

    def best(self, predicted: Array) -> Config:
        """The succeeded config with the lowest of the ``predicted`` losses, shape ``(n,)``."""
        return self.configs[int(np.argmin(np.where(self.ok, predicted, np.inf)))]

    @property
    def key(self) -> str:
        """Digest of all that a model is fitted to: equal keys, equal models."""
        digest = hashlib.sha256()
        for array in (self.x, self.s, self.loss, self.log_cost, self.ok):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def rng(self) -> np.random.Generator:
        """A stream that depends on the data alone: for fitting, which two calls may share."""
        return np.random.default_rng(int(self.key, 16))


Fitted = TypeVar("Fitted")


class Latest(Generic[Fitted]):
    """What ``fit`` made of the latest targets, kept until they change.

    A method is asked for a suggestion and for its incumbent on the same history; ``fit`` must be a
    function of the targets alone, so that a fresh object answers alike.
    """

    def __init__(self, fit: Callable[[Targets], Fitted]) -> None:
        self._fit = fit
        self._kept: tuple[str, Fitted] | None = None

    def __call__(self, targets: Targets) -> Fitted:
        """Fit, unless these were the targets before."""
        key = targets.key
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self._fit(targets)
        return self._kept[1]


def succeeded(trial: Trial) -> bool:
    """True if the trial ended well and its loss can be used."""
    return trial.status == "ok" and math.isfinite(trial.loss)


def finished(history: History) -> int:
    """How many trials are not running."""
    return len(history) - len(history.running)


def read_targets(
    history: History,
    space: Space,
    *,
    transform: str = "log",
    only: Sequence[float] | None = None,
) -> Targets | None:
    """Collect the finished trials, and apart from them the running ones; None without a success.

    Rule ``worst_seen``: a trial that failed, timed out or diverged counts as the worst loss seen;
    its cost is real.

    Args:
        history: the trials so far.
        space: their configs' space.
        transform: ``log`` models ``log(max(loss, history.loss_floor))``, ``none`` the loss itself.
        only: the fidelities whose trials count; None for all.

    Raises:
        ValueError: with ``log``, a loss of 0 or less on a task without a loss floor.
    """
    counted = [t for t in history if only is None or t.fidelity in only]
    trials = [t for t in counted if t.status != "running"]
    running = [t for t in counted if t.status == "running"]
    floor = history.loss_floor if transform == "log" else -math.inf
    losses = [max(t.loss, floor) for t in trials if succeeded(t)]
    if not losses:
        return None
    if transform == "log" and min(losses) <= 0:
        raise ValueError(
            f"the logarithm of loss {min(losses):g} was asked for; this task needs a"
            " loss_floor > 0, or method.loss_transform=none"
        )
    worst = max(losses)
    modelled = np.array([max(t.loss, floor) if succeeded(t) else worst for t in trials])
    return Targets(
        configs=tuple(t.config for t in trials),
        x=np.stack([space.encode(t.config) for t in trials]),
        s=np.array([t.fidelity for t in trials]),
        loss=np.log(modelled) if transform == "log" else modelled,
        log_cost=np.log([max(t.cost, SMALLEST_COST) for t in trials]),
        ok=np.array([succeeded(t) for t in trials]),
        overhead=history.trials[-1].overhead,
        pending=Pending(
            np.stack([space.encode(t.config) for t in running]),
            np.array([t.fidelity for t in running]),
        )
        if running
        else None,
    )
