from __future__ import annotations

import pytest
from studies import KEY, facts

from analysis.data.selection import choose, spans


def test_a_whole_study_is_analysed_whole() -> None:
    known = [facts(t, m, s) for t in ("a", "b") for m in ("x", "y") for s in range(3)]
    choice = choose(known)
    assert choice.analysed == list(range(12))
    assert choice.lines == [
        "12 of 12 runs analysed: 2 methods on 2 tasks, seeds 0 to 2, 120 trials.",
        "Of what was started nothing is missing: every method has every seed on every task. "
        "What was planned but not started is not known.",
    ]
    assert choice.coverage.analysed.tolist() == [3] * 4


def test_missing_seeds_methods_and_unfinished_runs_are_said() -> None:
    known = [
        *(facts("a", "x", seed) for seed in (0, 1, 2, 5)),
        facts("a", "y", 0),
        facts("a", "y", 1, status="failed"),
        facts("a", "y", 2, status="running"),
        facts("b", "x", 0, trials=0),
        facts("b", "x", 1, dirty=True),
    ]
    choice = choose(known)
    assert choice.analysed == [0, 1, 2, 3, 4, 8]
    assert choice.lines == [
        "6 of 9 runs analysed: 2 methods on 2 tasks, seeds 0 to 2, 5, 60 trials.",
        "a, y: seed 5 missing.",
        "a, y: seed 1 failed, left out.",
        "a, y: seed 2 unfinished, left out.",
        "b, x: seeds 2, 5 missing.",
        "b, x: seed 0 without trials, left out.",
        "b, y: no runs.",
        "1 of the analysed runs: made by code with uncommitted changes.",
    ]
    row = choice.coverage[(choice.coverage.task == "a") & (choice.coverage.method == "y")].iloc[0]
    assert (row.analysed, row.seeds, row.missing, row.unfinished) == (1, "0", "5", "1 to 2")


def test_an_option_added_later_at_its_default_is_no_other_version() -> None:
    later = KEY | {"method.warm": 3}
    known = [
        facts(seed=0),
        facts(seed=1, version=later, defaults={"method.warm": 3}),
        facts(seed=2, version=KEY | {"method.warm": 4}),
    ]
    choice = choose(known)
    assert choice.analysed == [0, 1]
    assert any("method.warm 4, analysed is 3" in line for line in choice.lines)


def test_where_our_own_classes_lay_is_no_part_of_a_version() -> None:
    places = ("tasks.svm.svm_task", "tasks.svm_task")
    known = [facts(seed=s, version=KEY | {"task._target_": t}) for s, t in enumerate(places)]
    assert choose(known).analysed == [0, 1]
    others = [facts(seed=s, version=KEY | {"task._target_": t}) for s, t in enumerate("ab")]
    assert len(choose(others).analysed) == 1


def test_of_two_versions_the_one_with_most_finished_runs_is_analysed() -> None:
    new = KEY | {"method.version": 2}
    known = [
        *(facts(seed=seed) for seed in (0, 1)),
        *(facts(seed=seed, version=new, status="failed", started="2027") for seed in (2, 3, 4)),
        facts(seed=5, version=new),
    ]
    choice = choose(known)
    assert choice.analysed == [0, 1]
    assert "t, m: seeds 2 to 5 missing." in choice.lines
    assert (
        "t, m: 4 runs of another version left out "
        "(seeds 2 to 5; method.version 2, analysed is 1)." in choice.lines
    )
    assert choice.coverage["other versions"].tolist() == ["2 to 5"]


@pytest.mark.parametrize("name", ["method.version", "task.version", "identity.table"])
def test_at_a_tie_the_version_started_last_is_analysed(name: str) -> None:
    known = [
        facts(seed=0, version=KEY | {name: "other"}, started="2026-03-01"),
        facts(seed=1, started="2026-02-01"),
    ]
    assert choose(known).analysed == [0]
    assert choose(known[::-1]).analysed == [1]


def test_of_two_runs_with_one_seed_the_one_started_last_is_analysed() -> None:
    known = [facts(started="2026-02"), facts(started="2026-01")]
    choice = choose(known)
    assert choice.analysed == [0]
    assert "t, m: more than one run with seed 0; the one started last is analysed." in choice.lines


def test_methods_on_different_versions_of_a_task_are_compared_with_care() -> None:
    other = KEY | {"identity.table": "f" * 64}
    known = [facts(method="x"), facts(method="y"), facts(method="z", version=other)]
    choice = choose(known)
    assert choice.analysed == [0, 1, 2]
    assert choice.lines[1:] == [
        "t: z ran on another version of the task than x, y "
        "(identity.table ffffffffffff..., analysed is abc): compare with care."
    ]


def test_runs_with_other_settings_are_not_mixed() -> None:
    changes = {"budget.trials": 20, "method.candidates": 7, "task.rows": 3, "workers.n": 2}
    known = [*(facts(seed=seed) for seed in range(3)), facts(seed=3, version=KEY | changes)]
    choice = choose(known)
    assert choice.analysed == [0, 1, 2]
    assert (
        "t, m: 1 run of another version left out (seed 3; budget.trials 20, analysed is None; "
        "method.candidates 7, analysed is None; task.rows 3, analysed is None; and 1 more)."
    ) in choice.lines


def test_all_methods_are_analysed_on_the_tasks_version_that_most_runs_have() -> None:
    new = KEY | {"identity.table": "new"}
    known = [
        *(facts(method="x", seed=seed, version=new) for seed in range(3)),
        facts(method="y", seed=0, version=new),
        *(facts(method="y", seed=seed) for seed in (1, 2)),  # most of its own, but not like x
    ]
    choice = choose(known)
    assert choice.analysed == [0, 1, 2, 3]
    assert any("y: 2 runs of another version left out" in line for line in choice.lines)


def test_no_finished_run_is_one_clear_line() -> None:
    with pytest.raises(ValueError, match=r"^none of 2 runs has finished$"):
        choose([facts(status="failed"), facts(seed=1, status="running")])


def test_spans() -> None:
    assert spans([5, 0, 1, 2, 2, 8, 9]) == "0 to 2, 5, 8 to 9"
    assert spans([]) == ""
