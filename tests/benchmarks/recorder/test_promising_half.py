from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.compose import compose
from benchmarks.core.space import Space
from benchmarks.provenance import ROOT
from benchmarks.recorder import raw_rows
from benchmarks.recorder.design import sobol
from benchmarks.recorder.promising_half import main, promising_half
from support.curves import DERIVED, EPOCHS, SPACE, loss_at, opening, record, row

PILOT = {"sobol": {"count": 60, "seed": 0}, "fidelities": [1]}
DESIGN: dict[str, Any] = {"stages": [PILOT], "derived": DERIVED}


def piloted(path: Path, count: int = 60) -> Path:
    raw_rows.append(path, opening())
    for config in sobol(SPACE, count, 0):
        raw_rows.append(path, row(config))
    return path


def named(path: Path) -> list[int]:
    return promising_half(raw_rows.read(path), DESIGN, SPACE, seed=2, count=40)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    return named(piloted(tmp_path_factory.mktemp("pilot") / "rows.jsonl"))


def test_they_are_the_better_half_in_the_order_of_the_sequence(keep: list[int]) -> None:
    assert keep == sorted(set(keep))
    assert len(keep) == 40
    losses = np.array([loss_at(config, EPOCHS) for config in sobol(SPACE, 80, 2)])
    really = set(np.argsort(losses)[:40].tolist())
    assert len(really & set(keep)) >= 35


@pytest.mark.slow
def test_what_is_recorded_besides_the_pilot_changes_nothing(
    keep: list[int], tmp_path: Path
) -> None:
    more = piloted(tmp_path / "more.jsonl")
    record(more, count=30)
    assert named(more) == keep


def test_a_pilot_that_is_not_all_recorded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^2 of the pilot.s 60 trainings are not recorded$"):
        named(piloted(tmp_path / "rows.jsonl", count=58))
    with pytest.raises(ValueError, match=r"^the design has no sobol stage"):
        promising_half([], {"stages": []}, SPACE, 2, 40)


@pytest.mark.slow
def test_the_design_of_cars_head_keeps_what_the_shipped_rows_say() -> None:
    settings = compose("record", ["task=cars_head"])
    space = Space.from_spec(settings["task"]["space"])
    recorded = raw_rows.read(ROOT / "tasks" / "tables" / "rows" / "cars_head.jsonl")
    keep = promising_half(recorded, settings["design"], space, seed=2, count=200)
    (kept, *_) = [s["sobol"]["keep"] for s in settings["design"]["stages"] if "keep" in str(s)]
    assert len(kept) == 200
    assert len(set(keep) & set(kept)) >= 196  # another scikit-learn may draw other trees


def test_a_missing_recording_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task=cars_head", f"rows={tmp_path / 'none.jsonl'}"]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'none.jsonl'} holds no evaluation\n"
