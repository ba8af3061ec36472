"""The only access to numpy's global random state, for libraries that draw from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def global_random(rng: np.random.Generator) -> Iterator[None]:
    """Seed numpy's global random state from ``rng`` inside the block, and restore it afterwards."""
    before = np.random.get_state()
    np.random.seed(int(rng.integers(2**32)))
    try:
        yield
    finally:
        np.random.set_state(before)
