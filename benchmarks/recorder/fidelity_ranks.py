"""How well losses at low fidelities rank configs: pairs of losses at a fidelity and the target."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Pairs = NDArray[np.float64]
"""losses at a fidelity and at the target, shape ``(configs, 2)``"""


def pairs_of_evaluations(columns: Mapping[str, Any], share: float) -> Pairs:
    """Return the mean losses, over subset seeds, of the configs recorded at both fidelities."""
    means = []
    for s in (share, 1.0):
        losses: dict[tuple[float, ...], list[float]] = {}
        for row in np.flatnonzero((columns["fidelity"] == s) & np.isfinite(columns["loss"])):
            losses.setdefault(tuple(columns["config"][row]), []).append(columns["loss"][row])
        means.append({config: float(np.mean(values)) for config, values in losses.items()})
    both = [config for config in means[0] if config in means[1]]
    return np.array([[mean[config] for mean in means] for config in both]).reshape(-1, 2)


def pairs_of_curves(columns: Mapping[str, Any], entry: int) -> Pairs:
    """Return the losses after an entry (from 1) and at the target, of the lowest training seed.

    Curves that diverged are left out.
    """
    whole = columns["epochs"] == columns["loss"].shape[1]
    first = columns["training_seed"] == columns["training_seed"].min()
    return np.asarray(columns["loss"][whole & first][:, [entry - 1, -1]])


def rank(pairs: Pairs, chance: float = np.inf) -> float:
    """Return Spearman's correlation; NaN for fewer than three pairs, or if all are ties.

    Args:
        pairs: losses at a fidelity and at the target.
        chance: losses above it count as ties.
    """
    if len(pairs) < 3:
        return np.nan
    x, y = (rankdata(np.minimum(values, chance)) for values in pairs.T)
    return float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else np.nan


def cheapest_and_middle(fidelities: Sequence[float]) -> list[float]:
    """Return the lowest fidelity and the one in the middle, on a log scale, between it and 1."""
    low = sorted(f for f in fidelities if f < 1)
    if not low:
        return []
    middle = min(low, key=lambda f: (abs(np.log(f) - np.log(low[0]) / 2), f))
    return sorted({low[0], middle})


def draw(
    pairs: Mapping[float, Pairs], name: Callable[[float], str], kind: str, picture: Path
) -> None:
    """Draw losses at low fidelities against those at the target.

    Args:
        pairs: by fidelity; see ``cheapest_and_middle``.
        name: returns a fidelity in words, such as ``4 of 35 epochs``.
        kind: kind of loss, ``error`` or ``loss``.
        picture: file to write; the data are written beside it for the time of drawing.
    """
    from analysis.figures.low_fidelities import (
        draw_low_fidelities,  # matplotlib is slow to import
    )

    data = picture.with_suffix(".csv")
    with data.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["fidelity", "loss", "target"])
        for share, losses in pairs.items():
            writer.writerows([name(share), *both] for both in losses.tolist())
    try:
        draw_low_fidelities(data, picture, kind_of_loss=kind)
    finally:
        data.unlink()


def caption(picture: str) -> list[str]:
    """Return the lines of a card that show the picture."""
    return [
        f"![Losses at low fidelities against those at the target]({picture})",
        "",
        "*Each dot is a recorded config: its validation loss at the cheapest fidelity (left) and "
        "at one in the middle (right), against that of the full training. On the grey line both "
        "are equal; above it the low fidelity looks worse than the full training is.*",
    ]
