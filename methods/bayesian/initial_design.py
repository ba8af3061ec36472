"""Initial design on small subsets: a scrambled Sobol sequence that needs no memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion

CONFIGS = ("sobol", "random")
SEED = "design_seed"
"""key of the note under which the first trial carries the sequence's seed"""


def initial_suggestion(
    history: History,
    space: Space,
    fidelities: Fidelities,
    shares: Sequence[float],
    rng: np.random.Generator,
    *,
    configs: str = "sobol",
) -> Suggestion:
    """Next point of the design: its config, and a fidelity out of ``shares``, taken in turn.

    With ``configs="random"`` every config is uniform, and drawn from its own ``rng``. With
    ``"sobol"`` they are one space-filling set:
    the sequence's seed is drawn for the first trial, travels in its note, and is read back from
    the history, so that the set is a function of the history. If the seed is missing (a history of
    another method), configs are ``"random"``.
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
