"""How long the rest of a recording will take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recorder.design import Evaluation
from benchmarks.recorder.raw_rows import Row

GROWTH = 1.25
"""time grows as this power of the fidelity, seen on MNIST, where only another one is recorded"""
DETOUR = 8.0
"""octaves of fidelity that weigh as much as the whole range of a hyperparameter"""
REFERENCES = 0.5
"""seconds that the reference kernel takes for each evaluation"""


def remaining_seconds(recorded: Collection[Row], design: Collection[Evaluation]) -> float:
    """Seconds on one core, from the nearest recorded evaluation of each missing one.

    Near in fidelity (octaves) and config (ranks of its values, so that any type will do).
    """
    known = {row.key for row in recorded}
    missing = [evaluation for evaluation in design if evaluation.key not in known]
    if not missing or not known:
        return 0.0
    there = [row.record["config"] for row in recorded]
    here = [evaluation.config for evaluation in missing]
    ranks = _ranks(there + here)
    old, new = ranks[: len(there)], ranks[len(there) :]
    octave = np.log2([row.record["fidelity"] for row in recorded])
    wanted = np.log2([evaluation.fidelity for evaluation in missing])
    # the test split is scored too, outside cost: about as dear as validation
    cost = 1.7 * np.array([row.record["cost"] for row in recorded])
    total = 0.0
    for x, u in zip(new, wanted, strict=True):
        away = np.abs(octave - u) + DETOUR * np.abs(old - x).max(axis=1)
        nearest = int(away.argmin())
        total += float(cost[nearest] * 2 ** (GROWTH * (u - octave[nearest]))) + REFERENCES
    return total


def _ranks(configs: list[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Ranks of the values of every hyperparameter, scaled to [0, 1]; shape ``(configs, names)``."""
    columns = []
    for name in configs[0]:
        values = sorted({config[name] for config in configs})
        place = {value: number / max(len(values) - 1, 1) for number, value in enumerate(values)}
        columns.append([place[config[name]] for config in configs])
    return np.array(columns).T
