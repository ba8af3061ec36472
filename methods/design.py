"""Initial design on small subsets: a scrambled Sobol sequence that needs no memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion

SEED = "design_seed"
"""key of the note under which the first trial carries the sequence's seed"""


def initial_suggestion(
    history: History,
    space: Space,
    fidelities: Fidelities,
    shares: Sequence[float],
    rng: np.random.Generator,
) -> Suggestion:
    """Next point of the design: Sobol configs, fidelities cycling through ``shares``.

    The sequence's seed is drawn for the first trial, travels in its note, and is read back from
    the history, so that the design is one space-filling set and yet a function of the history. If
    it is missing (a history of another method), every config is drawn from its own ``rng``.
    """
    number = len(history)
    fidelity = fidelities.clip(shares[number % len(shares)])
    note: Mapping[str, Any] = history.trials[0].note if number else {SEED: int(rng.integers(2**32))}
    if SEED not in note:
        return Suggestion(space.sample(rng), fidelity)
    sobol = qmc.Sobol(space.width, scramble=True, rng=np.random.default_rng(note[SEED]))
    point = sobol.random_base2(max(4, number.bit_length()))[number]
    return Suggestion(space.decode(point), fidelity, note={} if number else note)
