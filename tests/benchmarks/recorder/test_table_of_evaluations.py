from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.space import Categorical, Float, Integer, Space
from benchmarks.recorder.card_of_evaluations import write_card
from benchmarks.recorder.table_of_evaluations import compact
from support.recordings import facts, recorded, session
from tasks.replay import table
from tasks.replay.evaluations import RecordedTask

SPACE = Space({"b": Float(0, 1), "a": Float(-2, 2)})
CORNERS = list(itertools.product([-2, 2], [0, 1]))


def evaluated(a: float, b: Any, fidelity: float, cost: float, **others: Any) -> dict[str, Any]:
    """An evaluation whose losses grow with ``b``, unless it is a name."""
    slope = 0.0 if isinstance(b, str) else b / 7
    losses = {"loss": 0.1 + slope, "test_loss": 0.2 + slope}
    return facts(cost, config={"a": a, "b": b}, fidelity=fidelity, **losses | others)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four corners at two fidelities: a target evaluation costs 8 s everywhere."""
    evaluations = [evaluated(a, b, s, 8.0 * s) for s in (0.25, 1.0) for a, b in CORNERS]
    recorded(tmp_path / "rows.jsonl", session(), *evaluations)
    return tmp_path / "rows.jsonl"


def test_columns_are_the_rows_in_the_spaces_order(source: Path, tmp_path: Path) -> None:
    stored = table.read(compact(source, tmp_path / "t.npz", SPACE))
    expected = [(b, a) for _ in range(2) for a, b in CORNERS]
    np.testing.assert_array_equal(stored.columns["config"], expected)
    assert stored.columns["loss"][1] == 0.1 + 1 / 7
    assert stored.columns["test_loss"][1] == 0.2 + 1 / 7
    assert stored.columns["cost"].tolist() == [2.0] * 4 + [8.0] * 4
    assert stored.space == SPACE
    assert stored.meta["name"] == "t"
    assert stored.meta["identity"] == {"data": "made up", "backend": "sklearn"}
    assert stored.meta["target_cost"] == 8.0


def test_the_same_rows_give_the_same_file(source: Path, tmp_path: Path) -> None:
    first = compact(source, tmp_path / "t.npz", SPACE).read_bytes()
    assert compact(source, tmp_path / "t.npz", SPACE).read_bytes() == first


def test_costs_are_normalised_and_marked_and_the_better_timing_chosen(
    source: Path, tmp_path: Path
) -> None:
    busy = {"reference_before": 1.25, "reference_after": 1.25}
    recorded(source, evaluated(0, 0.5, 1.0, 10.0, **busy), evaluated(-2, 0, 1.0, 20.0, **busy))
    columns = table.read(compact(source, tmp_path / "t.npz", SPACE)).columns
    new = (columns["config"] == [0.5, 0]).all(axis=1)
    assert columns["cost"][new].tolist() == [8.0]
    assert columns["marked"].tolist() == new.tolist()
    assert columns["cost"][4] == 8.0


def test_failed_evaluations_are_kept_as_nan_and_counted(source: Path, tmp_path: Path) -> None:
    recorded(source, evaluated(0, 0.5, 1.0, 99.0, status="timeout", loss=None, test_loss=None))
    target = compact(source, tmp_path / "t.npz", SPACE)
    stored = table.read(target)
    assert np.isnan(stored.columns["loss"]).sum() == 1
    assert stored.meta["statuses"] == {"ok": 8, "timeout": 1}
    seen = RecordedTask(str(target)).truth({"a": 0.0, "b": 0.5})
    assert seen.loss == pytest.approx(np.sqrt(0.1 * (0.1 + 1 / 7)))


def test_sessions_count_their_evaluations(source: Path, tmp_path: Path) -> None:
    recorded(source, session("other"), evaluated(0, 0.5, 1.0, 8.0))
    meta = table.read(compact(source, tmp_path / "t.npz", SPACE)).meta
    found = {s["machine"]["cpu"]: s["evaluations"] for s in meta["sessions"]}
    assert found == {"fast": 8, "other": 1}


def test_a_recording_without_a_target_leaves_the_old_table(source: Path, tmp_path: Path) -> None:
    target = compact(source, tmp_path / "t.npz", SPACE)
    before = target.read_bytes()
    early = tmp_path / "early.jsonl"
    recorded(early, session(), evaluated(0, 0, 0.25, 1.0))
    with pytest.raises(ValueError, match="no evaluation at the target"):
        compact(early, target, SPACE)
    assert target.read_bytes() == before
    assert not list(tmp_path.glob("*.tmp"))


def test_no_rows_and_no_table_of_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no evaluation"):
        compact(tmp_path / "none.jsonl", tmp_path / "t.npz", SPACE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Integer(0, 3), (0, 3)),
        (Categorical(("yes", "no")), ("yes", "no")),
        (Float(0.01, 1, log=True), (0.01, 1.0)),
    ],
)
def test_every_kind_of_hyperparameter_comes_back(
    parameter: Any, values: Any, tmp_path: Path
) -> None:
    space = Space({"a": SPACE.parameters["a"], "b": parameter})
    evaluations = [
        evaluated(a, values[place], 1.0, 8.0, loss=0.1 + a + place)
        for a, place in itertools.product((0, 2), (0, 1))
    ]
    source = tmp_path / "rows.jsonl"
    recorded(source, session(), *evaluations)
    target = compact(source, tmp_path / "t.npz", space)
    stored, task = table.read(target), RecordedTask(str(target))
    assert stored.space == task.space == space
    for row, evaluation in enumerate(evaluations):
        assert stored.config(row) == evaluation["config"]
        assert task.truth(evaluation["config"]).loss == evaluation["loss"]


def test_the_resolution_is_the_median_error_of_good_held_out_configs(
    source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "t.npz"
    assert table.read(compact(source, target, SPACE)).meta["resolution"] is None
    assert RecordedTask(str(target)).resolution is None
    # replayed: sqrt(0.1 * (0.1 + 1 / 7)); recorded 3 % above, and one that is not good
    loss = float(np.sqrt(0.1 * (0.1 + 1 / 7)))
    good = evaluated(0, 0.5, 1.0, 8.0, loss=1.03 * loss, held_out=True)
    recorded(source, good, evaluated(0, 0.25, 1.0, 8.0, loss=0.9, held_out=True))
    compact(source, target, SPACE)
    assert RecordedTask(str(target)).resolution == pytest.approx(0.1 * 0.03, abs=1e-8)


def test_a_caption_is_handed_on(tmp_path: Path) -> None:
    opened = session()
    opened["session"]["caption"] = "not real"
    source = tmp_path / "rows.jsonl"
    recorded(source, opened, *[evaluated(a, b, 1.0, 8.0) for a, b in CORNERS])
    assert RecordedTask(str(compact(source, tmp_path / "t.npz", SPACE))).caption == "not real"


def test_a_subset_seed_with_too_few_configs_is_not_replayed(tmp_path: Path) -> None:
    """As an untuned config trained with three seeds, of which the others have only this one."""
    source = tmp_path / "rows.jsonl"
    grid = list(itertools.product(np.linspace(-2, 2, 5), np.linspace(0, 1, 5)))
    dense = [evaluated(a, b, s, 8.0 * s) for s in (0.25, 1.0) for a, b in grid]
    other = [evaluated(a, b, 0.25, 2.0, subset_seed=1) for a, b in grid]
    alone = [evaluated(0.0, 0.5, 1.0, 8.0, subset_seed=1, loss=0.9)]
    recorded(source, session(), *dense, *other, *alone)
    stored = table.read(compact(source, tmp_path / "t.npz", SPACE))
    assert stored.meta["left_out"] == 1
    assert stored.meta["statuses"] == {"ok": 76}
    assert len(stored.columns["loss"]) == 75
    task = RecordedTask(str(tmp_path / "t.npz"))
    assert task.subset_seeds(1.0) == [0]
    assert task.subset_seeds(0.25) == [0, 1]
    assert task.truth({"a": 0.0, "b": 0.5}).loss == pytest.approx(0.1 + 0.5 / 7)
    assert "1 of them are not replayed" in write_card(tmp_path / "t.npz").read_text()


def test_failed_evaluations_keep_their_cost(source: Path, tmp_path: Path) -> None:
    failed = evaluated(0.0, 0.25, 1.0, 600.0, status="timeout", loss=None, test_loss=None)
    recorded(source, failed)
    columns = table.read(compact(source, tmp_path / "t.npz", SPACE)).columns
    (row,) = np.flatnonzero(np.isnan(columns["loss"]))
    assert columns["cost"][row] == 600.0
