"""What every method suggests on frozen histories: forgetting to raise ``version`` fails here.

``python -m pytest tests/contracts/test_golden.py --refresh-golden`` writes the file anew; do it
together with a raised ``version``. Last bits differ between CPUs, so four digits are compared, and
now and then such a bit tips a suggestion: ``TIPPED`` of the histories may differ. A change of
behaviour shows in all that a model has a say in, four of them.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.trial import History, Trial
from benchmarks.engines.base import stream
from support.builders import OFFERED, make_method
from support.tiny import Tiny

GOLDEN = Path(__file__).parent / "golden.json"
LENGTHS = (0, 3, 12, 15, 18, 20)
TIPPED = 2


def frozen(length: int, name: str = "") -> History:
    """Trials of a fixed design: plain arithmetic, the same on every machine."""
    task, trials = Tiny(**OFFERED.get(name, {})), []
    for number in range(length):
        config = {"x": (0.754877666 * number) % 1, "y": (0.569840291 * number) % 1}
        share = task.fidelities.clip((1 / 64, 1 / 32, 1 / 16, 1 / 8, 1.0)[number % 5])
        observation = task.evaluate(config, share, stream(0, number, "evaluate"))
        loss, note = round(observation.loss, 9), {"bracket": 0, "rung": 0, "slot": number}
        trials.append(Trial(number, config, share, loss, observation.cost, "ok", note))
    return History(trials, task.loss_floor)


def behaviour(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    task = Tiny(**OFFERED.get(name, {}))
    for length in LENGTHS:
        past, method = frozen(length, name), make_method(name, task)
        suggestion = method.suggest(past, np.random.default_rng(length))
        found[str(length)] = {
            "config": dict(suggestion.config),
            "fidelity": suggestion.fidelity,
            "recommended": method.recommend(past, np.random.default_rng(length)),
        }
    return {"version": make_method(name, task).version, "suggests": found}


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def differing(held: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Lengths of the histories, of those in both, on which the suggestions differ."""
    both = held["suggests"].keys() & now["suggests"].keys()
    return [n for n in both if rounded(held["suggests"][n]) != rounded(now["suggests"][n])]


def test_behaviour_changes_only_with_the_version(
    method_name: str, request: pytest.FixtureRequest
) -> None:
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    now = behaviour(method_name)
    if request.config.getoption("--refresh-golden"):
        held = golden.get(method_name)
        changed = held is not None and len(differing(held, now)) > TIPPED
        assert not changed or held["version"] < now["version"], "raise the method's version"
        golden["frozen"] = {"losses": [trial.loss for trial in frozen(6)]}
        golden[method_name] = now
        GOLDEN.write_text(json.dumps(dict(sorted(golden.items())), indent=1) + "\n")
    if "." in method_name and method_name not in golden:
        pytest.skip("no golden suggestions of a class outside this repository")
    held = golden[method_name]
    assert held["suggests"].keys() == now["suggests"].keys()
    assert held["version"] == now["version"]
    assert len(differing(held, now)) <= TIPPED, (
        "the method suggests something else on frozen histories: raise its version and refresh"
    )


def test_a_change_of_behaviour_is_seen() -> None:
    golden = json.loads(GOLDEN.read_text())
    pairs = itertools.combinations(sorted(golden.keys() - {"frozen"}), 2)
    alike = [(a, b) for a, b in pairs if len(differing(golden[a], golden[b])) <= TIPPED]
    assert not alike, "methods that the test could not tell apart"


def test_the_frozen_histories_are_themselves_frozen() -> None:
    losses = [trial.loss for trial in frozen(6)]
    assert losses == pytest.approx(json.loads(GOLDEN.read_text())["frozen"]["losses"], abs=1e-8)
