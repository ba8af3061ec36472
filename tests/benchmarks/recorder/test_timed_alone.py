from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder import timed_alone
from benchmarks.recorder.raw_rows import Row
from support.recordings import facts, recorded, session


def config(number: int) -> dict[str, float]:
    return {"log_c": float(number), "log_gamma": 0.0}


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Twenty full trainings of 1 to 20 s, of them one that failed, and cheap ones."""
    lines = [facts(float(n), config=config(n), fidelity=1.0) for n in range(1, 20)]
    lines += [facts(20.0, config=config(20), fidelity=1.0, status="failed")]
    lines += [facts(2.0, config=config(n), fidelity=0.25) for n in range(5)]
    lines += [facts(0.1, config=config(-1), fidelity=1.0)]
    return recorded(tmp_path / "task.jsonl", session(), *lines)


def test_full_trainings_are_chosen_evenly_over_their_costs(rows: list[Row]) -> None:
    chosen = timed_alone.to_time_alone(rows, 7)
    assert [e.config["log_c"] for e in chosen] == [1, 4, 7, 10, 13, 16, 19]
    assert {e.fidelity for e in chosen} == {1.0}
    again = timed_alone.to_time_alone(rows, 7)
    assert [e.key for e in again] == [e.key for e in chosen]


def test_short_ones_are_chosen_only_if_there_are_too_few(rows: list[Row]) -> None:
    assert len(timed_alone.to_time_alone(rows, 19)) == 19
    chosen = timed_alone.to_time_alone(rows, 100)
    assert [e.config["log_c"] for e in chosen] == [-1, *range(1, 20)]


def test_nothing_recorded_is_an_error(tmp_path: Path) -> None:
    few = recorded(tmp_path / "t.jsonl", session(), facts(config=config(1), fidelity=0.5))
    with pytest.raises(ValueError, match=r"^no full training is recorded"):
        timed_alone.to_time_alone(few, 12)


def test_normalised_costs_are_compared(rows: list[Row], tmp_path: Path) -> None:
    """One training again on a core of half the speed, at twice the cost: the same, normalised."""
    slow = {"reference_before": 2.0, "reference_after": 2.0}
    alone = recorded(
        timed_alone.path_of(tmp_path / "task.jsonl"),
        session(),
        facts(10.0, config=config(5), fidelity=1.0, load=0.4, **slow),
        facts(10.0 * np.exp(0.1), config=config(10), fidelity=1.0, load=1.2),
        facts(15.0 * np.exp(-0.3), config=config(15), fidelity=1.0, load=0.1),
        facts(9.0, config=config(99), fidelity=1.0),
    )
    check = timed_alone.compare(rows, alone)
    assert check == {
        "trainings": 3,
        "median": 0.1,
        "p90": pytest.approx(np.quantile([0, 0.1, 0.3], 0.9), abs=1e-4),
        "signed": 0.0,
        "load": 1.2,
    }
    assert check is not None
    assert "3 recorded configs trained again" in timed_alone.line(check)
    assert "0.100 in the median, 0.260 at 90 %" in timed_alone.line(check)


def test_without_common_trainings_there_is_nothing_to_compare(
    rows: list[Row], tmp_path: Path
) -> None:
    other = recorded(tmp_path / "o.jsonl", session(), facts(config=config(50), fidelity=1.0))
    assert timed_alone.compare(rows, other) is None
    assert timed_alone.compare(rows, []) is None
    assert timed_alone.compare([], other) is None
