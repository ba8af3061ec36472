from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks.core.space import Float, Integer, Space
from tasks.replay import table
from tasks.replay.evaluations import RecordedTask
from tasks.replay.maps import SHARES, SIZE, can_map, shares_to_map, write_maps


@pytest.fixture(scope="module")
def mnist() -> RecordedTask:
    return RecordedTask("svm_mnist")


def test_rows_are_what_the_replay_says(mnist: RecordedTask, tmp_path: Path) -> None:
    with write_maps(mnist, tmp_path / "maps.csv", [1 / 100, 1.0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * SIZE**2
    assert list(rows[0]) == ["log_c", "log_gamma", "fidelity", "loss", "cost"]
    for row in (rows[0], rows[1234], rows[-1]):
        at = {name: float(text) for name, text in row.items()}
        config = {name: at[name] for name in ("log_c", "log_gamma")}
        seen = mnist.replay(config, at["fidelity"], 0)
        assert (at["loss"], at["cost"]) == pytest.approx((seen.loss, seen.cost), rel=1e-4)


def test_the_papers_fidelities_or_four_recorded_ones(
    mnist: RecordedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shares_to_map(mnist) == list(SHARES)
    low = type(mnist.fidelities)(low=1 / 32, full=400, unit="rows")
    monkeypatch.setattr(mnist, "fidelities", low)
    assert shares_to_map(mnist) == [1 / 32, 1 / 8, 1 / 4, 1]


def test_axes_are_even_in_the_unit_cube_and_of_whole_numbers_where_there_are_few(
    tmp_path: Path,
) -> None:
    space = Space({"rate": Float(0.01, 1, log=True), "layers": Integer(1, 3)})
    corners = list(itertools.product((0.01, 1.0), (1, 3)))
    count = len(corners)
    columns = {name: np.ones(count) for name in table.EVALUATIONS.columns} | {
        "held_out": np.zeros(count, bool)
    }
    facts = {"fidelity_low": 1, "fidelity_full": 1, "fidelity_unit": "x", "loss_floor": 0}
    meta = {"space": space.spec(), "identity": {}, "target_cost": 1.0, **facts}
    table.write(tmp_path / "t.npz", meta, {**columns, "config": np.array(corners)})
    task = RecordedTask(str(tmp_path / "t.npz"))
    with write_maps(task, tmp_path / "maps.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rates = sorted({float(row["rate"]) for row in rows})
    assert len(rates) == SIZE
    np.testing.assert_allclose(np.diff(np.log(rates)), np.log(100) / (SIZE - 1))
    assert {row["layers"] for row in rows} == {"1", "2", "3"}
    assert not can_map(type("Other", (), {"space": Space({"x": Float(0, 1)})})())
