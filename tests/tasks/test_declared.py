from __future__ import annotations

import numpy as np
import pytest

from tasks import Declared

SPACE = {"lr": {"kind": "float", "low": 1e-4, "high": 1.0, "log": True}}


def test_it_has_a_space_and_fidelities_and_is_evaluated_by_others() -> None:
    task = Declared(SPACE, {"values": [1, 3, 9], "full": 9, "unit": "epochs"}, resumable=True)
    assert task.fidelities.values == (1 / 9, 1 / 3, 1)
    assert task.fidelities.resumable
    with pytest.raises(RuntimeError, match="use untunable ask and tell"):
        task.evaluate({"lr": 0.1}, 1.0, np.random.default_rng(0))


def test_mistakes_are_one_line() -> None:
    with pytest.raises(ValueError, match=r"lr\.kind=flot"):
        Declared({"lr": {"kind": "flot"}})
    with pytest.raises(ValueError, match=r"task.fidelity=.*either low or values"):
        Declared(SPACE, {"full": 9})
