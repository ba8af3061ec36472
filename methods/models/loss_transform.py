"""How losses enter a model: their logarithms, normal scores of their ranks, or as they are."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from benchmarks.core.arrays import Array
from benchmarks.core.trial import History, Trial

TRANSFORMS = ("log", "none")
"""values of the option ``loss_transform``: model the logarithm of the loss, or the loss itself"""
RANKS = "ranks"
"""what takes the place of ``log`` once a loss has no logarithm"""
LARGEST = 1e100
"""bound on the magnitude of losses that are modelled as they are; squares of larger ones overflow
in the variance"""


def succeeded(trial: Trial) -> bool:
    """Return True if the trial succeeded with a finite loss."""
    return trial.status == "ok" and math.isfinite(trial.loss)


def transform_in_use(history: History, transform: str) -> str:
    """Return what the losses of a history are modelled as: ``log``, ``ranks`` or ``none``.

    ``log`` becomes ``ranks`` with the first successful trial, at any fidelity, whose loss is
    negative, or 0 on a task without a loss floor. That trial stays in the history, so ranks are
    used for the rest of the run. ``ranks`` and ``none`` are returned unchanged.
    """
    if transform != "log":
        return transform
    lowest = min((trial.loss for trial in history if succeeded(trial)), default=math.inf)
    return RANKS if lowest < 0 or max(lowest, history.loss_floor) <= 0 else "log"


def transformed(loss: Array, s: Array, transform: str, floor: float) -> Array:
    """Return losses as a model sees them, shape ``(n,)``.

    Args:
        loss: losses of successful trials, shape ``(n,)``.
        s: their fidelities, shape ``(n,)``.
        transform: ``log``, ``ranks`` or ``none``, from ``transform_in_use``.
        floor: loss floor of the task; with ``log``, lower losses are raised to it.
    """
    if transform == "log":
        return np.asarray(np.log(np.maximum(loss, floor)))
    if transform == RANKS:
        return normal_scores(loss, s)
    return np.clip(loss, -LARGEST, LARGEST)


def normal_scores(loss: Array, s: Array) -> Array:
    """Return the normal scores of losses among those of about the same fidelity, ``(n,)``.

    A loss of rank ``r`` among ``n`` becomes ``ndtri((r - 3/8) / (n + 1/4))``, about the expected
    value of the ``r``-th smallest of ``n`` standard normals (Blom 1958, "Statistical Estimates and
    Transformed Beta-Variables"). Ties get their mean rank. Only the order of losses matters, so
    they may have any sign and magnitude.

    Losses of different fidelities may lie on different levels, so each group of fidelities has
    ranks of its own: fidelities with the same nearest power of two (by the logarithm) count as one.
    """
    groups = np.round(np.log2(s))
    scores = np.empty(len(loss))
    for group in np.unique(groups):
        members = groups == group
        count = np.count_nonzero(members)
        scores[members] = ndtri((rankdata(loss[members]) - 3 / 8) / (count + 1 / 4))
    return scores


def transform_note(transform: str) -> dict[str, str]:
    """Return what the note of a suggestion says of the transform: nothing, unless it is ranks."""
    return {"loss_transform": RANKS} if transform == RANKS else {}
