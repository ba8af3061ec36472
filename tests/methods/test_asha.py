from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.trial import Fidelities, History, Status, Trial
from methods.asha import ASHA
from methods.rungs import brackets, ladder
from support.parallel import ended, play, running, started
from support.tiny import Tiny


def asha(low: float = 1 / 9, **options: Any) -> ASHA:
    return ASHA(Tiny.space, Fidelities(low=low), **options)


def step(method: ASHA, history: History, loss: float | None = None) -> History:
    """Start the suggested trial; end it if its loss is given."""
    history = started(history, method.suggest(history, np.random.default_rng(len(history))))
    return history if loss is None else ended(history, len(history) - 1, loss)


def places(history: History) -> list[tuple[int, int | None]]:
    """Per trial, its rung and which trial it promotes."""
    return [(trial.note["rung"], trial.note["promotes"]) for trial in history]


def test_the_rungs_are_hyperbands() -> None:
    method = asha(1 / 81)
    plan = brackets(ladder(Fidelities(low=1 / 81), 3), 3, "table1")
    assert method.rungs == [[rung.fidelity for rung in bracket] for bracket in plan]
    # Algorithm 1 of Hyperband with R = 81: every bracket of Table 1, in full trainings
    assert method.turns == pytest.approx([5, 4, 3, 4, 5])


def test_one_worker_by_hand() -> None:
    """eta = 3, rungs of 1/9, 1/3 and 1: promoted as soon as one of three is the best."""
    method, history = asha(bracket=0), History()
    for loss in (0.5, 0.3, 0.4):
        history = step(method, history, loss)
    history = step(method, history, 0.25)  # trial 1 goes on
    for loss in (0.6, 0.2):  # of four and of five, one may go on, and it has
        history = step(method, history, loss)
    history = step(method, history, 0.15)  # of six, trials 5 and 1: trial 5 goes on
    for loss in (0.35, 0.1, 0.9):
        history = step(method, history, loss)
    assert places(history) == [
        *[(0, None)] * 3,
        (1, 1),
        *[(0, None)] * 2,
        # trial 5 is the new best of five, and so goes on before a sixth has come
        (1, 5),
        (0, None),
        (0, None),
        (1, 8),
    ]
    assert [history.trials[n].config for n in (3, 6, 9)] == [
        history.trials[n].config for n in (1, 5, 8)
    ]
    assert [history.trials[n].fidelity for n in (0, 3)] == pytest.approx([1 / 9, 1 / 3])
    # the second rung has three now, the best of them with 0.15: the highest rung goes first
    assert places(step(method, history))[-1] == (2, 6)
    assert step(method, history).trials[-1].fidelity == 1


def test_it_never_waits_and_running_trials_do_not_count() -> None:
    method, history = asha(bracket=0), History()
    for _ in range(5):
        history = step(method, history)
    assert places(history) == [(0, None)] * 5
    for number, loss in ((3, 0.3), (0, 0.5)):
        history = ended(history, number, loss)
    assert places(step(method, history))[-1] == (0, None)  # two have ended
    history = step(method, ended(history, 4, 0.4))
    assert places(history)[-1] == (1, 3)
    assert places(step(method, history))[-1] == (0, None)  # not twice, though it still runs


def test_ties_go_by_number_and_failures_last_and_nowhere() -> None:
    method, history = asha(bracket=0), History()
    for _ in range(6):
        history = step(method, history)
    for number in (5, 2, 4):
        history = ended(history, number, 0.5)
    assert places(step(method, history))[-1] == (1, 2)
    failing = History()
    for _ in range(3):
        failing = step(method, failing)
    for number in range(3):
        failing = ended(failing, number, 0.0, status="failed")
    assert places(step(method, failing))[-1] == (0, None)
    for number, loss in ((3, 0.9), (4, 0.8), (5, 0.7)):
        failing = ended(step(method, failing), number, loss)
        if number < 5:
            continue
        # six have ended, so two may go on; the best three are 5, 4, 3
        assert places(step(method, step(method, failing)))[-2:] == [(1, 5), (0, None)]


def test_a_rung_without_success_promotes_nothing_and_new_configs_enter() -> None:
    rng = np.random.default_rng(0)
    method = asha(bracket=0)
    last = play(method, 3, 40, lambda _: (0.0, "failed"), rng)[-1]
    assert places(last) == [(0, None)] * 40
    # the only success goes on at once, and only once
    after = ended(last, running(last)[0], 0.5)
    assert places(step(method, step(method, after)))[-2:] == [(1, running(last)[0]), (0, None)]


def test_brackets_take_turns_by_the_training_they_take() -> None:
    method, history = asha(), History()
    for _ in range(60):
        history = step(method, history, 0.5)
    turns: list[tuple[int, float]] = []
    for trial in history:
        bracket = trial.note["bracket"]
        if turns and turns[-1][0] == bracket:
            turns[-1] = bracket, turns[-1][1] + trial.fidelity
        else:
            turns.append((bracket, trial.fidelity))
    assert [bracket for bracket, _ in turns[:6]] == [0, 1, 2, 0, 1, 2]
    for bracket, trained in turns[:-1]:
        assert method.turns[bracket] <= trained + 1e-9 < method.turns[bracket] + 1
    # bracket 0 in its second turn goes on with the rungs of its first
    first = [t for t in history.trials[: len(history) // 2] if t.note["bracket"] == 0]
    later = [t for t in history.trials if t.note["bracket"] == 0][len(first) :]
    assert {t.number for t in first} & {t.note["promotes"] for t in later}


def test_only_the_target_is_random_search() -> None:
    method, history = asha(1.0), History()
    for _ in range(6):
        history = step(method, history, 0.5)
    assert {trial.fidelity for trial in history} == {1.0}
    assert {trial.note["promotes"] for trial in history} == {None}


def check_rule(method: ASHA, before: History, trial: Trial) -> None:
    """Algorithm 2, told of one suggestion by plain counting."""
    bracket, rung, promotes = (trial.note[key] for key in ("bracket", "rung", "promotes"))
    ended_there: dict[int, list[Trial]] = {}
    for earlier in before:
        if earlier.note["bracket"] == bracket and earlier.status != "running":
            ended_there.setdefault(earlier.note["rung"], []).append(earlier)
    gone_on = {earlier.note["promotes"] for earlier in before}

    def better(a: Trial, b: Trial) -> bool:
        if (a.status == "ok") != (b.status == "ok"):
            return a.status == "ok"
        return (a.loss, a.number) < (b.loss, b.number) if a.status == "ok" else a.number < b.number

    def may_go_on(one: Trial) -> bool:
        peers = ended_there[one.note["rung"]]
        ahead = sum(better(peer, one) for peer in peers)
        return one.status == "ok" and ahead < len(peers) // method.eta

    top = len(method.rungs[bracket]) - 1
    waiting = [
        one
        for peers in ended_there.values()
        for one in peers
        if one.note["rung"] < top and one.number not in gone_on and may_go_on(one)
    ]
    if promotes is None:
        assert rung == 0
        assert not waiting
        return
    parent = before.trials[promotes]
    assert parent in waiting
    assert parent.config == trial.config
    assert rung == parent.note["rung"] + 1 == max(one.note["rung"] for one in waiting) + 1
    assert trial.fidelity == method.rungs[bracket][rung]


@settings(max_examples=40, derandomize=True, database=None)
@given(
    workers=st.integers(1, 20),
    eta=st.integers(2, 4),
    depth=st.integers(0, 3),
    every=st.booleans(),
    levels=st.sampled_from([1, 4, 10**6]),
    seed=st.integers(0, 1000),
)
def test_the_rule_holds_in_any_order_of_completion(
    workers: int, eta: int, depth: int, every: bool, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    method = asha(float(eta) ** -depth, eta=eta, bracket="all" if every else 0)

    def evaluate(_: Trial) -> tuple[float, Status]:
        return float(rng.integers(levels)), "failed" if rng.random() < 0.2 else "ok"

    *asked, last = play(method, workers, 70, evaluate, rng)
    starts = {len(history): history for history in asked}
    for trial in last:
        check_rule(method, starts[trial.number], trial)
    promoted = [t.note["promotes"] for t in last if t.note["promotes"] is not None]
    assert max(Counter(promoted).values(), default=1) == 1
    for bracket, rungs in enumerate(method.rungs):
        members = [t for t in last if t.note["bracket"] == bracket]
        for rung in range(1, len(rungs)):
            below = [t for t in members if t.note["rung"] == rung - 1 and t.status != "running"]
            above = sum(t.note["rung"] == rung for t in members)
            succeeded = sum(t.status == "ok" for t in below)
            assert above <= max(0, min(succeeded, len(below) - eta + 1))
    assert len(running(last)) <= workers


def test_rungs_shrink_by_eta_when_losses_come_in_no_order() -> None:
    """Overtaken configs make it more than one in eta, by about the square root of their number."""
    rng = np.random.default_rng(0)
    method = asha(1 / 9, bracket=0)
    last = play(method, 1, 900, lambda _: (float(rng.random()), "ok"), rng)[-1]
    sizes = Counter(trial.note["rung"] for trial in last)
    for rung in (0, 1):
        assert 0 <= sizes[rung + 1] - sizes[rung] // 3 <= 3 * np.sqrt(sizes[rung])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": 1}, r"^method.eta=1: must be a whole number, 2 or more$"),
        ({"bracket": 3}, r"^method.bracket=3: allowed are all, 0, 1, 2 \(the task's"),
        ({"bracket": "al"}, r"^method.bracket=al: allowed are all, 0, 1, 2 \(the task's"),
    ],
)
def test_options_outside_what_is_allowed_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        asha(**options)
