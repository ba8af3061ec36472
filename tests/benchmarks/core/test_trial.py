from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

from benchmarks.core.trial import Fidelities, History, Status, Trial


def trial(number: int, loss: float, fidelity: float = 1.0, status: Status = "ok") -> Trial:
    return Trial(number, {"x": number}, fidelity, loss, 1.0, status)


@pytest.mark.parametrize(
    "bad",
    [
        *({"low": 0.0}, {"low": 1.5}, {"low": math.nan}, {"low": "x"}, {"low": True}),
        *({"values": ()}, {"values": (0.5, 0.25, 1.0)}, {"values": (0.25, 0.5)}),
        *({"values": (0.5, math.nan, 1.0)}, {"values": (0.25, "0.5", 1.0)}),
    ],
)
def test_fidelities_must_rise_to_one(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must rise from above 0 to 1"):
        Fidelities(**bad)


def test_an_interval_offers_all_within_and_clips_the_rest() -> None:
    offered = Fidelities(low=0.1, full=1000)
    offered.check(0.5)
    with pytest.raises(ValueError, match=r"fidelity 0.05: allowed is \[0.1, 1\]"):
        offered.check(0.05)
    assert [offered.clip(s) for s in (0.01, 0.5, 2.0)] == [0.1, 0.5, 1.0]
    assert [offered.native(s) for s in (0.0001, 0.5)] == [1, 500]


def test_a_finite_set_offers_its_values_and_clips_to_the_nearest_in_the_logarithm() -> None:
    offered = Fidelities(values=(0.01, 0.1, 1.0))
    assert offered.low == 0.01
    with pytest.raises(ValueError, match="allowed are"):
        offered.check(0.5)
    assert [offered.clip(s) for s in (0.03, 0.04, 0.5)] == [0.01, 0.1, 1.0]


def test_nominal_costs_are_one_a_fidelity() -> None:
    offered = Fidelities(values=(0.1, 1.0), nominal=(0.2, 1.0))
    assert [offered.nominal_cost(s) for s in (0.1, 1.0)] == [0.2, 1.0]
    assert Fidelities(low=0.1).nominal_cost(0.5) is None
    for values in (None, (0.1, 0.5, 1.0)):
        with pytest.raises(ValueError, match="one nominal cost for each"):
            Fidelities(values=values, nominal=(0.2, 1.0))
    for cost in (-0.2, 0.0, math.nan, "0.2"):
        with pytest.raises(ValueError, match="nominal costs must be positive"):
            Fidelities(values=(0.1, 1.0), nominal=(cost, 1.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("full", [0, -4, 2.5, True])
def test_native_units_are_a_whole_number(full: Any) -> None:
    with pytest.raises(ValueError, match="must be a whole number of units"):
        Fidelities(low=0.5, full=full)


def test_incumbents_are_the_first_best_ok_trials_however_a_history_was_made() -> None:
    trials = [
        trial(0, 0.5, 0.25),
        trial(1, math.nan, 1.0, "failed"),
        trial(2, 0.7),
        trial(3, 0.5, 0.25),
        trial(4, 0.7),
        trial(5, 0.1, 1.0, "running"),
        trial(6, 0.6),
    ]
    grown = History((), 0.01)
    for one in trials:
        grown = grown.append(one)
    for history in (grown, History(trials, 0.01)):
        assert history.best_seen is trials[0]
        assert history.best_at_target is trials[6]
        assert list(history) == trials
        assert len(history) == 7
        assert history.loss_floor == 0.01


def test_a_history_cannot_be_changed() -> None:
    history = History([trial(0, 0.5), trial(1, 0.4)], 0.01)
    for name in ("trials", "loss_floor", "_best", "other"):
        with pytest.raises(AttributeError, match=f"read-only: {name} cannot be set"):
            setattr(history, name, ())
    for copied in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert list(copied) == list(history)
        assert (copied.best_seen, copied.loss_floor) == (history.trials[1], 0.01)


def test_before_a_good_trial_there_is_no_incumbent() -> None:
    history = History([trial(0, math.nan, 1.0, "timeout"), trial(1, 0.3, 0.5)])
    assert history.best_at_target is None
    assert history.best_seen is not None
    assert History().best_seen is None
