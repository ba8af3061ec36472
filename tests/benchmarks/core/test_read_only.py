from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.core.read_only import read_only

NOTE: dict[str, Any] = {"bracket": 1, "deep": {"scores": [1, {"x": 2}]}}


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.update(bracket=2),
        lambda note: note["deep"].pop("scores"),
        lambda note: note["deep"]["scores"].append(3),
        lambda note: note["deep"]["scores"].__setitem__(0, 3),
        lambda note: note["deep"]["scores"].sort(),
        lambda note: note["deep"]["scores"][1].clear(),
    ],
)
def test_nothing_can_be_changed_at_any_depth(change: Callable[[Any], Any]) -> None:
    note = read_only(NOTE)
    with pytest.raises(TypeError, match="read-only: change a copy"):
        change(note)
    assert note == NOTE


def test_it_is_a_copy_that_can_be_copied_and_written() -> None:
    given = copy.deepcopy(NOTE)
    note = read_only(given)
    given["deep"]["scores"].append(9)
    assert note == NOTE
    assert json.loads(json.dumps(note)) == NOTE
    assert pickle.loads(pickle.dumps(note)) == copy.deepcopy(note) == NOTE
    own = dict(note)
    own["bracket"] = 7
    assert note["bracket"] == 1
