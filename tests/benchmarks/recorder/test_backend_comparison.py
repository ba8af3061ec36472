from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.core.space import Float, Space
from benchmarks.recorder import raw_rows
from benchmarks.recorder.backend_comparison import compare_backends, other_backends
from benchmarks.recorder.card_of_evaluations import write_card
from benchmarks.recorder.table_of_evaluations import compact
from support.recordings import facts, recorded, session
from tasks.replay import table

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table recorded on ``fast``, where ``slow`` is known to take thrice as long."""
    corners = [{"x": x, "y": y} for x in (0.0, 1.0) for y in (0.0, 1.0)]
    source = tmp_path / "rows" / "made_up.jsonl"
    recorded(source, session("fast", "quick"))
    for share in (0.5, 1.0):
        for config in corners:
            loss = 0.1 + 0.1 * config["x"]
            recorded(source, facts(10 * share, config=config, fidelity=share, loss=loss))
    recorded(source, session("slow", "quick"))
    recorded(source, facts(30.0, 2.0, config=corners[0], fidelity=1.0))
    other = tmp_path / "rows" / "made_up.plain.jsonl"
    recorded(other, session("slow", "plain"))
    for number, config in enumerate(corners):
        loss = 0.1 + 0.1 * config["x"] + 0.001 * number
        recorded(other, facts(120.0, 2.0, config=config, fidelity=1.0, loss=loss))
    middle = {"x": 0.5, "y": 0.5}  # not in the table
    recorded(other, facts(120.0, 2.0, config=middle, fidelity=1.0, loss=0.7))
    return compact(source, tmp_path / "made_up.npz", SPACE)


def test_losses_are_compared_and_costs_on_equal_terms(path: Path) -> None:
    (other,) = other_backends(path)
    (found,) = compare_backends(table.read(path), raw_rows.read(other))
    assert (found.backend, found.fidelity, found.evaluations) == ("plain", 1.0, 4)
    assert found.largest == pytest.approx(0.003)
    assert found.typical == pytest.approx(0.0015)
    assert found.cost_ratio == pytest.approx(4.0)  # 120 s there are 40 s on the fast machine


def test_the_card_has_it(path: Path) -> None:
    card = write_card(path).read_text()
    assert "The same trainings by backend `plain`" in card
    assert "| 1/1 | 4 | 0.0015, 0.0030 | 4.00 |" in card


def test_nothing_in_common_is_nothing(path: Path) -> None:
    assert compare_backends(table.read(path), []) == []
