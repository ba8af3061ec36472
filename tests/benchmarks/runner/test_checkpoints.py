from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.core.read_only import read_only
from benchmarks.core.trial import History, Status, Suggestion, Trial
from benchmarks.runner.checkpoints import Checkpoints


def history(*trials: tuple[float, float, Status]) -> History:
    """Trials of the configs ``{"x": x}`` at a fidelity."""
    return History([
        Trial(number, read_only({"x": x, "kind": "a"}), s, 0.5, 1.0, status)
        for number, (x, s, status) in enumerate(trials)
    ])  # fmt: skip


def asked(x: float, s: float) -> Suggestion:
    return Suggestion({"kind": "a", "x": x}, s)  # the order of names does not matter


def test_a_new_config_starts_with_its_own_trial() -> None:
    assert Checkpoints().of(asked(2, 1.0), history()) == (0, 0.0)
    assert Checkpoints().of(asked(2, 1.0), history((1, 0.5, "ok"))) == (1, 0.0)


def test_it_is_the_first_ok_trial_and_the_highest_fidelity_below() -> None:
    seen = history(
        (1, 0.25, "failed"), (1, 0.25, "ok"), (2, 0.5, "ok"), (1, 0.5, "ok"), (1, 0.75, "diverged"),
        (1, 1.0, "ok"), (1, 0.75, "running"),
    )  # fmt: skip
    checkpoints = Checkpoints()
    assert checkpoints.of(asked(1, 0.9), seen) == (1, 0.5)
    assert checkpoints.of(asked(1, 0.5), seen) == (1, 0.25)
    assert checkpoints.of(asked(1, 0.25), seen) == (1, 0.0)
    assert checkpoints.of(asked(2, 1.0), seen) == (2, 0.5)


def test_trials_are_found_as_the_history_grows_and_when_they_end() -> None:
    rng = np.random.default_rng(0)
    checkpoints, trials = Checkpoints(), []
    for number in range(60):
        x, s = float(rng.integers(4)), float(rng.choice([0.25, 0.5, 1.0]))
        seen = history(*trials)
        same: list[Any] = [t for t in seen if t.config["x"] == x and t.status == "ok"]
        below = [t.fidelity for t in same if t.fidelity < s]
        expected = (same[0].number if same else number, max(below, default=0.0))
        assert checkpoints.of(asked(x, s), seen) == expected
        trials.append((x, s, "running"))
        if number % 3 == 2:  # three workers
            trials[-3:] = [(*trial[:2], rng.choice(["ok", "failed"])) for trial in trials[-3:]]
