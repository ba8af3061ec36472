from __future__ import annotations

import pytest

from benchmarks.recorder.design import Evaluation
from benchmarks.recorder.eta import REFERENCES, remaining_seconds
from benchmarks.recorder.raw_rows import Row

CONFIGS = [{"c": c, "kind": kind} for c in (0, 1, 2, 3) for kind in ("a", "b")]


def row(number: int, fidelity: float, cost: float) -> Row:
    facts = {"config": CONFIGS[number], "fidelity": fidelity, "subset_seed": 0, "cost": cost}
    return Row(facts, {})


def wanted(number: int, fidelity: float, seed: int = 0) -> Evaluation:
    return Evaluation(CONFIGS[number], fidelity, seed, False)


def test_the_nearest_config_at_the_same_fidelity_tells() -> None:
    recorded = [row(0, 0.5, 10.0), row(6, 0.5, 1000.0), row(2, 0.001, 0.1)]
    assert remaining_seconds(recorded, [wanted(2, 0.5)]) == pytest.approx(17 + REFERENCES)
    assert remaining_seconds(recorded, [wanted(0, 0.5, 1)]) == pytest.approx(17 + REFERENCES)


def test_another_fidelity_tells_where_nothing_is_nearer() -> None:
    recorded = [row(0, 0.5, 10.0), row(6, 0.5, 1000.0)]
    assert remaining_seconds(recorded, [wanted(0, 1.0)]) == pytest.approx(17 * 2**1.25 + REFERENCES)


def test_nothing_is_left_of_what_is_recorded_and_nothing_known_of_an_empty_file() -> None:
    assert remaining_seconds([row(0, 0.5, 10.0)], [wanted(0, 0.5)]) == 0
    assert remaining_seconds([], [wanted(0, 0.5)]) == 0
