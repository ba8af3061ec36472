from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Float, Space
from benchmarks.core.trial import Fidelities, History, Suggestion, Trial
from methods.bayesian.refit_schedule import pending_numbers, prefix
from support.parallel import ended, play, running


class Noting(Method):
    """Notes the pending trials of each suggestion, as methods that reuse hyperparameters do."""

    def __init__(self, space: Space, fidelities: Fidelities) -> None:
        self.space = space

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        return Suggestion(self.space.sample(rng), note=pending_numbers(history))

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        return None


def numbers(history: History) -> list[int]:
    return [trial.number for trial in history]


def serial(count: int) -> History:
    return History([Trial(n, {"a": 0.5}, 1.0, 0.5, 1.0, "ok") for n in range(count)], 1e-4)


def test_one_worker_by_hand() -> None:
    assert prefix(serial(29), 10, above=29).trials == serial(29).trials
    assert numbers(prefix(serial(29), 10, above=28)) == list(range(20))
    assert prefix(serial(29), 10, above=28).loss_floor == 1e-4
    thirty = serial(30)
    assert prefix(thirty, 10, above=0) is thirty
    assert prefix(serial(29), 1, above=0).trials == serial(29).trials


def test_pending_trials_by_hand() -> None:
    """Trial 1 was pending when trial 4 was suggested, so that refit did not know of it."""
    trials = [Trial(n, {"a": 0.5}, 1.0, 0.5, 1.0, "ok") for n in range(4)]
    before = History(
        [*trials[:1], Trial(1, {"a": 0.5}, 1.0, *[np.nan] * 2, "running"), *trials[2:]]
    )
    assert pending_numbers(before) == {"beside": [1]}
    assert pending_numbers(serial(3)) == {}
    later = History([*trials, Trial(4, {"a": 0.5}, 1.0, 0.5, 1.0, "ok", pending_numbers(before))])
    assert numbers(prefix(later, 4, above=0)) == [0, 2, 3]


@settings(max_examples=30, derandomize=True, database=None)
@given(workers=st.integers(1, 20), every=st.integers(2, 12), seed=st.integers(0, 1000))
def test_it_is_what_was_finished_then_and_stays_so(workers: int, every: int, seed: int) -> None:
    method = Noting(Space({"a": Float(0.0, 1.0)}), Fidelities())
    rng = np.random.default_rng(seed)
    asked = play(method, workers, 60, lambda _: (float(rng.random()), "ok"), rng)
    finished: dict[int, Any] = {}
    for history in asked:
        if len(history) % every == 0:
            finished[len(history)] = [t for t in history if t.status == "ok"]
        past = prefix(history, every, above=0)
        expected = finished.get(len(history) // every * every, [])
        assert [t for t in past if t.status == "ok"] == expected
    last = asked[-1]
    for number in running(last):  # the end of others changes nothing, unless all counts anyway
        later = ended(last, number, 0.1)
        if len(last) % every:
            assert prefix(later, every, above=0).trials == prefix(last, every, above=0).trials
