from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.maps import SHARES, SIZE, shares_to_map, write_maps
from tasks.recorded import RecordedTask


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
        assert (at["loss"], at["cost"]) == (seen.loss, seen.cost)


def test_the_papers_fidelities_or_four_others(
    mnist: RecordedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shares_to_map(mnist) == list(SHARES)
    low = type(mnist.fidelities)(low=1 / 8, full=423, unit="rows")
    monkeypatch.setattr(mnist, "fidelities", low)
    np.testing.assert_allclose(shares_to_map(mnist), [1 / 8, 1 / 4, 1 / 2, 1])
