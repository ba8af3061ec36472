from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.core.trial import History
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.hyperband import Hyperband, brackets
from support.parallel import ended, play, started
from support.tiny import Tiny


def sizes(low: float, rule: str, eta: int = 3) -> list[list[tuple[int, int]]]:
    """Per bracket, (configs, resource in units of the smallest) of every rung."""
    plan = brackets(low, eta, rule)
    return [[(rung.configs, round(rung.fidelity / low)) for rung in bracket] for bracket in plan]


def test_table_1_of_the_paper_is_reproduced_exactly() -> None:
    assert sizes(1 / 81, "table1") == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(27, 3), (9, 9), (3, 27), (1, 81)],
        [(9, 9), (3, 27), (1, 81)],
        [(6, 27), (2, 81)],
        [(5, 81)],
    ]


def test_algorithm_1s_ceiling_starts_more_configs_than_table_1() -> None:
    assert [bracket[0][0] for bracket in sizes(1 / 81, "algorithm1")] == [81, 34, 15, 8, 5]
    assert sizes(1 / 81, "algorithm1")[1] == [(34, 3), (11, 9), (3, 27), (1, 81)]


@pytest.mark.parametrize("power", range(1, 9))
def test_an_exact_power_loses_no_rung_to_rounding(power: int) -> None:
    for eta in (2, 3, 4, 5):
        plan = brackets(float(eta) ** -power, eta, "table1")
        assert len(plan) == power + 1
        assert len(plan[0]) == power + 1
        assert plan[0][-1].fidelity == 1


def test_only_the_target_is_random_search_in_brackets_of_one() -> None:
    assert sizes(1.0, "table1") == [[(1, 1)]]


def run(tmp_path: Path, trials: int, **options: Any) -> list[dict[str, Any]]:
    task = Tiny(low=1 / 9)
    trace = Trace(tmp_path / "trace.jsonl")
    method = Hyperband(task.space, task.fidelities, **options)
    with trace.open() as writer:
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
    with trace.open() as writer:
        method = Hyperband(task.space, task.fidelities)
        loop.run(method, task, Budget(trials=12), 0, writer, resume(trace, task))
    rows = trace.load()
    failed = [row["status"] == "failed" for row in rows[:9]]
    assert 0 < sum(failed) <= 6  # so that enough good ones are left
    assert {row["status"] for row in rows[9:12]} == {"ok"}


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
