from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.budget import Budget
from benchmarks.core.trial import History, Status, Trial
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.hyperband import Hyperband
from support.parallel import ended, play, started
from support.tiny import Tiny


def run(tmp_path: Path, trials: int, **options: Any) -> list[dict[str, Any]]:
    task = Tiny(low=1 / 9)
    trace = Trace(tmp_path / "trace.jsonl")
    method = Hyperband(task.space, task.fidelities, **options)
    with trace.open(sync=False) as writer:
        state = resume(trace, task)
        loop.run(method, task, Budget(trials=trials), 0, writer, state)
    return trace.load()


def test_the_best_of_a_rung_go_on_and_rounds_repeat(tmp_path: Path) -> None:
    rows = run(tmp_path, 30)
    # 1/9: brackets of 9-3-1, 3-1 (table 1: floor(3/2) * 3), 3
    assert [row["note"]["bracket"] for row in rows] == [0] * 13 + [1] * 4 + [2] * 3 + [3] * 10
    first, second = rows[:9], rows[9:12]
    best = sorted(first, key=lambda row: row["loss"])[:3]
    assert [row["config"] for row in second] == [row["config"] for row in best]
    assert [row["fidelity"] for row in second] == pytest.approx([1 / 3] * 3)
    assert rows[12]["fidelity"] == 1
    assert rows[12]["config"] == min(second, key=lambda row: row["loss"])["config"]
    assert [row["fidelity"] for row in rows[17:20]] == [1, 1, 1]


def test_the_three_incumbent_rules_differ_in_when_they_look(tmp_path: Path) -> None:
    def changes(rule: str) -> list[int]:
        rows = run(tmp_path / rule, 20, incumbent=rule)
        told = [None, *(row["recommended"] for row in rows)]
        return [n for n, (a, b) in enumerate(pairwise(told)) if a != b]

    assert changes("evaluation")[0] == 0
    assert changes("rung")[0] == 8  # the first rung has nine trials
    assert changes("bracket")[0] == 12  # the first bracket has thirteen


def test_failed_trials_rank_last(tmp_path: Path) -> None:
    class Failing(Tiny):
        def evaluate(self, config: Any, fidelity: float, rng: np.random.Generator) -> Any:
            if config["x"] < 0.5:
                raise ValueError("on purpose")
            return super().evaluate(config, fidelity, rng)

    task = Failing(low=1 / 9)
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open(sync=False) as writer:
        method = Hyperband(task.space, task.fidelities)
        loop.run(method, task, Budget(trials=12), 0, writer, resume(trace, task))
    rows = trace.load()
    failed = [row["status"] == "failed" for row in rows[:9]]
    assert 0 < sum(failed) <= 6  # so that enough good ones are left
    assert {row["status"] for row in rows[9:12]} == {"ok"}


def outcomes(*ok: int, count: int, start: int = 0) -> Any:
    """An ``evaluate`` for ``play``: of ``count`` trials from ``start``, these succeed."""

    def evaluate(trial: Trial) -> tuple[float, Status]:
        good = not start <= trial.number < start + count or trial.number in ok
        return 1 / (1 + trial.number), "ok" if good else "failed"

    return evaluate


def places(history: History) -> list[tuple[int, int, int]]:
    """Bracket, rung and slot of every trial."""
    return [(t.note["bracket"], t.note["rung"], t.note["slot"]) for t in history]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_rung_is_as_large_as_what_succeeded_below(workers: int) -> None:
    """Rungs of 9, 3 and 1 configs: two of the nine succeed, so the second has two trials."""
    method = Hyperband(Tiny.space, Tiny(low=1 / 9).fidelities)
    rng = np.random.default_rng(0)
    last = play(method, workers, 13, outcomes(3, 7, count=9), rng)[-1]
    assert places(last)[9:] == [(0, 1, 0), (0, 1, 1), (0, 2, 0), (1, 0, 0)]
    trained = [last.trials[n].config for n in (9, 10, 11)]
    # later trials have lower losses: the better goes first, and trial 10 beats trial 9
    assert trained == [last.trials[n].config for n in (7, 3, 3)]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_rung_without_success_ends_its_bracket(workers: int) -> None:
    method = Hyperband(Tiny.space, Tiny(low=1 / 9).fidelities)
    rng = np.random.default_rng(0)
    last = play(method, workers, 10, outcomes(count=9), rng)[-1]
    assert places(last)[8:] == [(0, 0, 8), (1, 0, 0)]
    second = play(method, workers, 13, outcomes(count=3, start=9), rng)[-1]
    assert places(second)[9:] == [(0, 1, 0), (0, 1, 1), (0, 1, 2), (1, 0, 0)]


@pytest.mark.parametrize("incumbent", ["rung", "bracket"])
def test_a_bracket_that_ended_early_has_ended(incumbent: str) -> None:
    method = Hyperband(Tiny.space, Tiny(low=1 / 9).fidelities, incumbent=incumbent)
    rng = np.random.default_rng(0)
    history = play(method, 1, 12, outcomes(count=3, start=9), rng)[-1]
    history = ended(history, 11, 0.0, status="failed")  # the last of the second rung
    assert method.recommend(history, rng) == history.trials[8].config


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    workers=st.integers(1, 8),
    failures=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    eta=st.integers(2, 4),
    seed=st.integers(0, 1000),
)
def test_what_failed_never_goes_on(workers: int, failures: float, eta: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    method = Hyperband(Tiny.space, Tiny(low=1 / 27).fidelities, eta=eta)

    def evaluate(_: Trial) -> tuple[float, Status]:
        bad: list[Status] = ["failed", "timeout", "diverged"]
        return float(rng.random()), bad[rng.integers(3)] if rng.random() < failures else "ok"

    last = play(method, workers, 120, evaluate, rng)[-1]
    rungs: dict[tuple[int, int], list[Trial]] = {}
    for trial in last:
        rungs.setdefault((trial.note["bracket"], trial.note["rung"]), []).append(trial)
    newest = max(rungs)
    for (bracket, rung), trials in rungs.items():
        assert [t.note["slot"] for t in trials] == list(range(len(trials)))
        plan = method.brackets[bracket % len(method.brackets)]
        below = [t for t in rungs.get((bracket, rung - 1), []) if t.status == "ok"]
        whole = min(plan[rung].configs, len(below)) if rung else plan[rung].configs
        assert len(trials) == whole or ((bracket, rung) == newest and len(trials) < whole)
        best = sorted(below, key=lambda t: (t.loss, t.number))[: len(trials)]
        assert rung == 0 or [t.config for t in trials] == [t.config for t in best]
        above = (bracket, rung + 1) in rungs
        stopped = rung + 1 == len(plan) or not any(t.status == "ok" for t in trials)
        assert above != stopped or (bracket, rung) == newest
    if failures == 1:
        assert {rung for _, rung in rungs} == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": 1}, "eta=1: must be a whole number, 2 or more"),
        ({"rule": "tabel1"}, "rule=tabel1: allowed are algorithm1, table1; did you mean 'table1'"),
        ({"incumbent": "end"}, "incumbent=end: allowed are evaluation, rung, bracket"),
    ],
)
def test_options_outside_what_is_allowed_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hyperband(Tiny.space, Tiny().fidelities, **options)


def test_with_several_workers_a_rung_is_waited_for() -> None:
    method, history = Hyperband(Tiny.space, Tiny(low=1 / 9).fidelities), History()

    def ask(past: History) -> Any:
        return method.suggest(past, np.random.default_rng(len(past)))

    for slot in range(9):
        suggestion = ask(history)
        assert suggestion.note == {"bracket": 0, "rung": 0, "slot": slot}
        history = started(history, suggestion)
    for number in (8, 0, 3, 5, 1, 2, 7, 6):
        assert ask(history) is None
        history = ended(history, number, 0.1 * number)
    assert ask(history) is None
    history = ended(history, 4, 0.0, status="failed")
    for rank, number in enumerate((0, 1, 2)):  # the best three, whatever order they ended in
        suggestion = ask(history)
        assert suggestion.note == {"bracket": 0, "rung": 1, "slot": rank}
        assert suggestion.config == history.trials[number].config
        history = started(history, suggestion)
    for number in (9, 10, 11):
        history = ended(history, number, 0.1)
    history = started(history, ask(history))
    assert ask(history) is None  # nor does the next bracket begin
    assert ask(ended(history, 12, 0.1)).note == {"bracket": 1, "rung": 0, "slot": 0}


def test_a_rung_with_running_trials_has_not_ended() -> None:
    method = Hyperband(Tiny.space, Tiny(low=1 / 9).fidelities, incumbent="rung")
    history, rng = History(), np.random.default_rng(0)
    for number in range(9):
        history = ended(started(history, method.suggest(history, rng)), number, 0.5)  # type: ignore[arg-type]
    assert method.recommend(history, rng) == history.trials[0].config
    late = [*history.trials[:4], replace(history.trials[4], status="running"), *history.trials[5:]]
    assert method.recommend(History(late), rng) is None


def test_several_workers_train_what_one_does() -> None:
    """The same rungs of the same sizes, whatever order trials end in."""
    rng = np.random.default_rng(0)
    for workers in (1, 4, 20):
        method = Hyperband(Tiny.space, Tiny(low=1 / 9).fidelities)
        last = play(method, workers, 40, lambda _: (float(rng.random()), "ok"), rng)[-1]
        rungs = [(t.note["bracket"] % 3, t.note["rung"]) for t in last][:20]
        assert (
            rungs == [(0, 0)] * 9 + [(0, 1)] * 3 + [(0, 2)] + [(1, 0)] * 3 + [(1, 1)] + [(2, 0)] * 3
        )
