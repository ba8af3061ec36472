"""Random search with full trainings (Bergstra & Bengio 2012)."""

from __future__ import annotations

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion


class RandomSearch(Method):
    """Draws uniform configs and trains them in full; the incumbent has the lowest observed loss."""

    def __init__(self, space: Space, fidelities: Fidelities) -> None:
        self.space = space

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        return Suggestion(self.space.sample(rng))

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        best = history.best_at_target
        return None if best is None else best.config
