"""Estimate the remaining time of a recording."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recorder.design import Evaluation
from benchmarks.recorder.raw_rows import Row

GROWTH = 1.25
"""assumed power of cost in the fidelity (as on MNIST), to extrapolate from another fidelity"""
DETOUR = 8.0
"""distance of two configs at opposite ends of a hyperparameter, in octaves of fidelity"""
REFERENCES = 0.5
"""seconds of the reference kernel per evaluation"""


def remaining_seconds(recorded: Collection[Row], design: Collection[Evaluation]) -> float:
    """Estimate the seconds of all missing evaluations on one core.

    The cost of each is extrapolated from the nearest recorded evaluation, by distance in fidelity
    (octaves) and config (ranks of its values, so that any type works).
    """
    done = {row.key for row in recorded}
    missing = [evaluation for evaluation in design if evaluation.key not in done]
    if not missing or not done:
        return 0.0
    there = [row.record["config"] for row in recorded]
    here = [evaluation.config for evaluation in missing]
    ranks = _ranks(there + here)
    old, new = ranks[: len(there)], ranks[len(there) :]
    octave = np.log2([row.record["fidelity"] for row in recorded])
    wanted = np.log2([evaluation.fidelity for evaluation in missing])
    # add scoring the test split, which is not part of the cost but takes as long as validation
    cost = 1.7 * np.array([row.record["cost"] for row in recorded])
    total = 0.0
    for x, u in zip(new, wanted, strict=True):
        away = np.abs(octave - u) + DETOUR * np.abs(old - x).max(axis=1)
        nearest = int(away.argmin())
        total += float(cost[nearest] * 2 ** (GROWTH * (u - octave[nearest]))) + REFERENCES
    return total


def _ranks(configs: list[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Return ranks of hyperparameter values, scaled to [0, 1]; shape ``(configs, names)``."""
    columns = []
    for name in configs[0]:
        values = sorted({config[name] for config in configs})
        rank = {value: number / max(len(values) - 1, 1) for number, value in enumerate(values)}
        columns.append([rank[config[name]] for config in configs])
    return np.array(columns).T
