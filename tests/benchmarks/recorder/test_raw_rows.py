from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.recorder import raw_rows
from support.recordings import CONFIG, facts, recorded, session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "rows.jsonl"


def test_rows_come_back_with_their_session(path: Path) -> None:
    found = recorded(path, session("a"), facts(1), session("b"), facts(2), facts(3))
    assert [(r.record["cost"], r.session["machine"]["cpu"]) for r in found] == [
        (1, "a"),
        (2, "b"),
        (3, "b"),
    ]
    assert raw_rows.read(path.with_name("none.jsonl")) == []


def test_a_key_forgets_the_order_of_names_and_survives_the_file(path: Path) -> None:
    key = raw_rows.key_of({"log_gamma": 1 / 3, "log_c": -10.0}, 1 / 512, 0)
    (row,) = recorded(path, session(), facts())
    assert row.key == key
    assert row.key != raw_rows.key_of(CONFIG, 1 / 512, 1)


@pytest.mark.parametrize("torn", [b'{"config":', b'{"session":{}}', b"\xff\x00"])
def test_a_torn_last_line_is_dropped_on_reading_and_cut_on_appending(
    torn: bytes, path: Path
) -> None:
    recorded(path, session(), facts(1))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert len(raw_rows.read(path)) == 1
    assert path.read_bytes() == whole + torn  # reading changes nothing: a recorder may be at it
    raw_rows.append(path, facts(2))
    assert path.read_bytes().startswith(whole + b'{"config"')
    assert [row.record["cost"] for row in raw_rows.read(path)] == [1, 2]


def test_a_file_that_is_one_torn_line_becomes_a_good_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"sess')
    assert raw_rows.read(path) == []
    assert len(recorded(path, session(), facts())) == 1


@pytest.mark.parametrize("damage", [b"no JSON", b"17", b'"session"', b"null", b"[]"])
def test_damage_elsewhere_is_refused_with_the_line(damage: bytes, path: Path) -> None:
    recorded(path, session(), facts())
    path.write_bytes(path.read_bytes() + damage + b"\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 3: not a row of the recorder"):
        raw_rows.read(path)


def test_a_row_before_any_session_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="line 1: a row before any session line"):
        recorded(path, facts())
