from __future__ import annotations

import numpy as np
import pytest

from methods.references.global_random import global_random


def test_seeds_inside_and_restores_outside() -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    draws = []
    for _ in range(2):
        with global_random(np.random.default_rng(3)):
            draws.append(np.random.random())
    with pytest.raises(RuntimeError), global_random(np.random.default_rng(3)):
        raise RuntimeError
    assert draws[0] == draws[1]
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index,union-attr]
