from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.space import Float, Space
from benchmarks.recorder.card_of_evaluations import write_card
from tasks.replay import table


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a small table; its picture lies beside it."""
    folder = tmp_path_factory.mktemp("card")
    corners = [[a, b] for a in (-1.0, 1.0) for b in (0.0, 2.0)]
    config = np.array(corners * 2 + [[0.0, 1.0]])
    target = np.array([0.5] * 4 + [1.0] * 4 + [1.0])
    loss = np.array([0.4, 0.5, 0.6, 0.7, 0.31, 0.41, 0.51, 0.61, 0.01])
    meta: dict[str, Any] = {
        "name": "made_up",
        "space": Space({"a": Float(-1, 1), "b": Float(0, 2)}).spec(),
        "identity": {"data": "made up", "backend": "sklearn"},
        "fidelity_low": 0.5,
        "fidelity_full": 400,
        "fidelity_unit": "training rows",
        "loss_floor": 0.001,
        "target_cost": 12.5,
        "caption": "not real",
        "sizes": {"training rows": 400, "validation rows": 1000},
        "machine_factors": {"a cpu": 1.0, "another": 0.8},
        "cpu_hours": 1.5,
        "statuses": {"ok": 9},
        "sessions": [
            {
                "commit": "0123456789abcdef",
                "dirty": True,
                "versions": {"numpy": "2.0"},
                "machine": {"cpu": "a cpu", "cores": 2, "memory_gib": 8, "system": "Linux"},
                "evaluations": 9,
            }
        ],
    }
    columns = {
        "config": config,
        "fidelity": target,
        "subset_seed": np.zeros(9),
        "held_out": np.arange(9) == 8,  # the lowest loss, but it is held out
        "loss": loss,
        "test_loss": loss + 0.1,
        "cost": np.arange(1.0, 10.0),
        "wall": np.arange(1.0, 10.0),
        "marked": np.arange(9) < 2,
    }
    table.write(folder / "made_up.npz", meta, columns)
    path = write_card(folder / "made_up.npz")
    assert path == folder / "made_up.md"
    return path


@pytest.fixture
def card(path: Path) -> str:
    return path.read_text()


@pytest.mark.parametrize(
    "fact",
    [
        "- not real\n",
        "- 400 training rows, 1,000 validation rows\n",
        "data `made up`, backend `sklearn`",
        "`a` in [-1, 1], `b` in [0, 2]",
        "0.5 to 1, the share of 400 training rows",
        "9 (9 ok), 1.5 CPU hours",
        "2 of them were timed on a core over 15 % slower",
        "timed there, too (a factor of 0.80 on another)",
        "over the box: 12.5 s",
        "| 1/2 | 200 | 4 | 1 | 2.5 | 1.00 (4) |",
        "| 1/1 | 400 | 5 | 1 | 7 | - |",
        "a cpu (2 cores, 8 GiB, Linux) at commit `0123456789ab` (with uncommitted changes)",
        "numpy 2.0",
    ],
)
def test_the_card_states_what_was_recorded(card: str, fact: str) -> None:
    assert fact in card


def test_the_best_config_is_not_a_held_out_one(card: str) -> None:
    assert "a=-1, b=0, validation error 0.3100, test error 0.4100" in card


def test_the_held_out_check_is_a_table(card: str) -> None:
    # recorded 0.01 at the centre, where the corners' mean is 0.45
    assert "| 1/1 | all | 1 | 3.7" in card
    assert "| 1/1 | good | 1 | 3.7" in card


def test_the_card_shows_a_picture(card: str, path: Path) -> None:
    assert "](made_up.png)" in card
    assert "200, 400 training rows" in card
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
