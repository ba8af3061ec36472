from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.core.records import (
    LONGEST_ARRAY,
    RecordedRow,
    RunMeta,
    TrialRow,
    checked,
    decode,
    plain,
)
from support.rows import run_meta, started_row, trial_row


def test_scalars_of_numpy_become_pythons_everywhere() -> None:
    found = plain({"a": np.float32(0.5), "b": [np.int64(1), (np.bool_(True),)], 3: np.array([2.0])})
    assert found == {"a": 0.5, "b": [1, [True]], "3": 2.0}
    assert [type(found["a"]), type(found["b"][0]), type(found["b"][1][0])] == [float, int, bool]


def test_arrays_become_lists_unless_they_are_long() -> None:
    assert plain({"curve": np.array([[1.0, 2.0]])}) == {"curve": [[1.0, 2.0]]}
    assert plain(np.array([])) == []
    weights = np.zeros(LONGEST_ARRAY + 1)
    assert plain(weights) is weights


def test_what_has_no_value_and_texts_stay() -> None:
    text = "item"
    assert plain(text) is text
    assert plain(np.ma.masked) is np.ma.masked  # its item() would be 0.0


class Tensor:
    """As in torch, ``size`` is a method."""

    shape = ()

    def size(self) -> tuple[int, ...]:
        return self.shape

    def item(self) -> float:
        return 0.5


def test_scalars_of_torch_become_numbers() -> None:
    assert plain({"info": [Tensor()]}) == {"info": [0.5]}


def test_a_row_has_its_fields_and_json_gives_it_back() -> None:
    for row in (trial_row(0, cost=np.float64(2.5)), started_row(1), run_meta(seed=2)):
        assert json.loads(json.dumps(row)) == row
    assert type(trial_row(0, cost=np.float64(2.5))["cost"]) is float


@pytest.mark.parametrize(
    ("schema", "changes", "problem"),
    [
        (TrialRow, {"cost": -1.0}, r"Expected `float` >= 0\.0 - at `\$\.cost`"),
        (TrialRow, {"cost": "2"}, r"Expected `float`, got `str`"),
        (TrialRow, {"fidelity": 0}, r"Expected `float` > 0"),
        (TrialRow, {"status": "running"}, r"Invalid enum value 'running'"),
        (RunMeta, {"task_facts": {}}, r"missing required field `best_loss`"),
    ],
)
def test_other_types_and_ranges_are_refused_with_the_field(
    schema: Any, changes: dict[str, Any], problem: str
) -> None:
    row: Any = trial_row(0) if schema is TrialRow else run_meta()
    with pytest.raises(ValueError, match=problem):
        checked({**row, **changes}, schema)


@pytest.mark.parametrize("line", [b"{}", b"[]", b"{", b"NaN", b"\xff"])
def test_what_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(line, RecordedRow)


def test_fields_of_a_later_version_are_ignored() -> None:
    line = json.dumps({**trial_row(0), "later": [1]}).encode()
    assert decode(line, TrialRow) == trial_row(0)
