from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import rows

CONFIG = {"log_c": -10, "log_gamma": 1 / 3}


def session(cpu: str = "fast") -> dict[str, Any]:
    return {"session": {"machine": {"cpu": cpu}, "identity": {}}}


def facts(
    cost: float = 10.0, reference: float = 1.0, status: str = "ok", **others: Any
) -> dict[str, Any]:
    return {
        "config": CONFIG,
        "fidelity": 1 / 512,
        "subset_seed": 0,
        "cost": cost,
        "reference_before": reference,
        "reference_after": reference,
        "status": status,
        **others,
    }


def recorded(path: Path, *lines: dict[str, Any]) -> list[rows.Row]:
    for line in lines:
        rows.append(path, line)
    return rows.read(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "rows.jsonl"


def test_rows_come_back_with_their_session(path: Path) -> None:
    found = recorded(path, session("a"), facts(1), session("b"), facts(2), facts(3))
    assert [(r.facts["cost"], r.session["machine"]["cpu"]) for r in found] == [
        (1, "a"),
        (2, "b"),
        (3, "b"),
    ]
    assert rows.read(path.with_name("none.jsonl")) == []


def test_a_key_forgets_the_order_of_names_and_survives_the_file(path: Path) -> None:
    key = rows.key_of({"log_gamma": 1 / 3, "log_c": -10.0}, 1 / 512, 0)
    (row,) = recorded(path, session(), facts())
    assert row.key == key
    assert row.key != rows.key_of(CONFIG, 1 / 512, 1)


@pytest.mark.parametrize("torn", [b'{"config":', b'{"session":{}}', b"\xff\x00"])
def test_a_torn_last_line_is_dropped_on_reading_and_cut_on_appending(
    torn: bytes, path: Path
) -> None:
    recorded(path, session(), facts(1))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert len(rows.read(path)) == 1
    assert path.read_bytes() == whole + torn  # reading changes nothing: a recorder may be at it
    rows.append(path, facts(2))
    assert path.read_bytes().startswith(whole + b'{"config"')
    assert [row.facts["cost"] for row in rows.read(path)] == [1, 2]


def test_a_file_that_is_one_torn_line_becomes_a_good_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"sess')
    assert rows.read(path) == []
    assert len(recorded(path, session(), facts())) == 1


@pytest.mark.parametrize("damage", [b"no JSON", b"17", b'"session"', b"null", b"[]"])
def test_damage_elsewhere_is_refused_with_the_line(damage: bytes, path: Path) -> None:
    recorded(path, session(), facts())
    path.write_bytes(path.read_bytes() + damage + b"\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 3: not a row of the recorder"):
        rows.read(path)


def test_a_row_before_any_session_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="line 1: a row before any session line"):
        recorded(path, facts())


def best(path: Path) -> list[tuple[float, float, bool]]:
    """Cost as read, normalised cost and mark of each evaluation."""
    found = rows.best_rows(rows.read(path))
    return [(row.facts["cost"], cost, marked) for row, cost, marked in found]


def others(count: int, reference: float) -> list[dict[str, Any]]:
    return [facts(1.0, reference, subset_seed=1 + i) for i in range(count)]


def test_cost_is_normalised_to_the_idle_core_and_marked_above_15_percent(path: Path) -> None:
    recorded(path, session(), *others(38, 1.0))
    recorded(path, facts(20.0, 1.14, subset_seed=100), facts(30.0, 1.17, subset_seed=101))
    assert rows.idle_references(rows.read(path)) == {"fast": 1.0}
    assert best(path)[-2:] == [
        (20.0, pytest.approx(20 / 1.14), False),
        (30.0, pytest.approx(30 / 1.17), True),
    ]
    assert not any(marked for *_, marked in best(path)[:38])


def test_the_reference_is_the_mean_of_before_and_after(path: Path) -> None:
    lines = facts(12.0, reference_before=1.0, reference_after=1.4, subset_seed=99)
    recorded(path, session(), *others(40, 1.0), lines)
    assert best(path)[-1] == (12.0, pytest.approx(10.0), True)


def test_costs_of_a_slower_machine_become_those_of_the_first(path: Path) -> None:
    recorded(path, session("fast"), *others(20, 0.8), session("slow"))
    recorded(path, *[facts(50.0, 1.6, subset_seed=200 + i) for i in range(20)])
    assert best(path)[-1] == (50.0, pytest.approx(25.0), False)


def test_of_several_timings_the_least_disturbed_counts_wherever_it_stands(path: Path) -> None:
    recorded(path, session(), *others(40, 1.0))
    recorded(path, facts(13.0, 1.3), facts(10.5, 1.05), facts(15.0, 1.5))
    assert best(path)[-1] == (10.5, pytest.approx(10.0), False)
    assert len(best(path)) == 41


def test_a_timing_that_ended_well_counts_before_one_that_failed(path: Path) -> None:
    recorded(path, session(), *others(40, 1.0))
    recorded(path, facts(0.1, 1.0, "failed"), facts(13.0, 1.3), facts(0.2, 0.9, "timeout"))
    assert best(path)[-1][0] == 13.0


def test_no_rows_give_nothing(path: Path) -> None:
    assert best(path) == []
