from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import rows
from benchmarks.agreement import agreements, other_backends
from benchmarks.card import write_card
from benchmarks.compact import compact
from benchmarks.core.space import Float, Space
from tasks import table

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})
CORNERS = [(x, y) for x in (0.0, 1.0) for y in (0.0, 1.0)]


def session(backend: str, cpu: str) -> dict[str, Any]:
    return {
        "session": {
            "identity": {"data": "made up", "backend": backend},
            "fidelity_low": 0.5,
            "fidelity_full": 400,
            "fidelity_unit": "rows",
            "loss_floor": 0.001,
            "commit": None,
            "dirty": None,
            "versions": {},
            "machine": {"cpu": cpu, "cores": 2, "memory_gib": 8, "system": "Linux"},
        }
    }


def facts(x: float, y: float, share: float, loss: float, cost: float, reference: float) -> Any:
    return {
        "config": {"x": x, "y": y},
        "fidelity": share,
        "subset_seed": 0,
        "held_out": False,
        "status": "ok",
        "loss": loss,
        "test_loss": None,
        "cost": cost,
        "wall": cost,
        "reference_before": reference,
        "reference_after": reference,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table recorded on ``fast``, where ``slow`` is known to take thrice as long."""
    source = tmp_path / "rows" / "made_up.jsonl"
    rows.append(source, session("quick", "fast"))
    for share in (0.5, 1.0):
        for x, y in CORNERS:
            rows.append(source, facts(x, y, share, 0.1 + 0.1 * x, 10 * share, 1.0))
    rows.append(source, session("quick", "slow"))
    rows.append(source, facts(0, 0, 1.0, 0.1, 30.0, 2.0))
    other = tmp_path / "rows" / "made_up.plain.jsonl"
    rows.append(other, session("plain", "slow"))
    for number, (x, y) in enumerate(CORNERS):
        loss = 0.1 + 0.1 * x + 0.001 * number
        rows.append(other, facts(x, y, 1.0, loss, 120.0, 2.0))
    rows.append(other, facts(0.5, 0.5, 1.0, 0.7, 120.0, 2.0))  # not in the table
    return compact(source, tmp_path / "made_up.npz", SPACE)


def test_losses_are_compared_and_costs_on_equal_terms(path: Path) -> None:
    (other,) = other_backends(path)
    (found,) = agreements(table.read(path), rows.read(other))
    assert (found.backend, found.fidelity, found.evaluations) == ("plain", 1.0, 4)
    assert found.largest == pytest.approx(0.003)
    assert found.typical == pytest.approx(0.0015)
    assert found.cost_ratio == pytest.approx(4.0)  # 120 s there are 40 s on the fast machine


def test_the_card_has_it(path: Path) -> None:
    card = write_card(path).read_text()
    assert "The same trainings by backend `plain`" in card
    assert "| 1/1 | 4 | 0.0015, 0.0030 | 4.00 |" in card


def test_nothing_in_common_is_nothing(path: Path) -> None:
    assert agreements(table.read(path), []) == []
