"""Initial design on small subsets; its Sobol sequence is recomputed from the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion

CONFIGS = ("sobol", "random")
SEED = "design_seed"
"""note key under which the first trial stores the seed of the sequence"""


def initial_suggestion(
    history: History,
    space: Space,
    fidelities: Fidelities,
    shares: Sequence[float],
    rng: np.random.Generator,
    *,
    configs: str = "sobol",
) -> Suggestion:
    """Return the next point of the initial design; its fidelities cycle through ``shares``.

    With ``configs="random"`` every config is drawn uniformly from ``rng``. With ``"sobol"`` the
    configs are one scrambled Sobol sequence: its seed is drawn for the first trial, stored in that
    trial's note and read back from the history, so that the design is a function of the history. If
    the seed is missing (in the history of another method), configs are drawn uniformly.
    """
    number = len(history)
    fidelity = fidelities.clip(shares[number % len(shares)])
    if configs == "random":
        return Suggestion(space.sample(rng), fidelity)
    note: Mapping[str, Any] = history.trials[0].note if number else {SEED: int(rng.integers(2**32))}
    if SEED not in note:
        return Suggestion(space.sample(rng), fidelity)
    sobol = qmc.Sobol(space.width, scramble=True, rng=np.random.default_rng(note[SEED]))
    point = sobol.random_base2(max(4, number.bit_length()))[number]
    return Suggestion(space.decode(point), fidelity, note={} if number else note)
