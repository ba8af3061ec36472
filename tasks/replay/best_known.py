"""The best known loss of recorded learning curves, and what it is known from.

Nothing that was recorded is raised to a prediction: where a config was trained, its truth is what
was measured, also below everything that a surrogate predicts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def lowest_recorded(columns: Mapping[str, Any]) -> float:
    """Return the lowest mean loss at the target, over training seeds; infinity if there is none.

    Held-out configs do not count, since a replay does not return them, nor do configs of which a
    training diverged, since they have no truth.

    Args:
        columns: the recorded columns of ``tasks.replay.curves.CURVES``.
    """
    kept = ~columns["held_out"]
    _, group = np.unique(columns["config"][kept], axis=0, return_inverse=True)
    target = columns["loss"][kept][:, -1]  # NaN if the training diverged, and so is a mean with it
    sums, counts = np.bincount(group.ravel(), target), np.bincount(group.ravel())
    means = sums / np.maximum(counts, 1)
    return float(np.nanmin(means)) if np.isfinite(means).any() else math.inf


def best_known(
    columns: Mapping[str, Any], searched: float, seen: Sequence[float] = ()
) -> tuple[float, str]:
    """Return the best known loss, and its source: ``search``, ``recorded`` or ``study``.

    Args:
        columns: as in ``lowest_recorded``.
        searched: lowest noiseless prediction that a search over the surrogate found.
        seen: truths that studies saw.
    """
    found = {
        "search": searched,
        "recorded": lowest_recorded(columns),
        "study": min(seen, default=math.inf),
    }
    source = min(found, key=lambda name: found[name])
    return found[source], source
