from __future__ import annotations

import pytest

from analysis.data.selection import select_runs, spans
from support.studies import KEY, metadata


def test_a_whole_study_is_analysed_whole() -> None:
    runs = [metadata(t, m, s) for t in ("a", "b") for m in ("x", "y") for s in range(3)]
    selection = select_runs(runs)
    assert selection.analysed == list(range(12))
    assert selection.lines == [
        "12 of 12 runs analysed: 2 methods on 2 tasks, seeds 0 to 2, 120 trials.",
        "No run is missing: every method has every seed on every task. Runs that were planned "
        "but never started are not known.",
    ]
    assert selection.coverage.analysed.tolist() == [3] * 4


def test_missing_seeds_methods_and_unfinished_runs_are_said() -> None:
    runs = [
        *(metadata("a", "x", seed) for seed in (0, 1, 2, 5)),
        metadata("a", "y", 0),
        metadata("a", "y", 1, status="failed"),
        metadata("a", "y", 2, status="running"),
        metadata("b", "x", 0, trials=0),
        metadata("b", "x", 1, dirty=True),
    ]
    selection = select_runs(runs)
    assert selection.analysed == [0, 1, 2, 3, 4, 8]
    assert selection.lines == [
        "6 of 9 runs analysed: 2 methods on 2 tasks, seeds 0 to 2, 5, 60 trials.",
        "a, y: seed 5 missing.",
        "a, y: seed 1 failed, left out.",
        "a, y: seed 2 unfinished, left out.",
        "b, x: seeds 2, 5 missing.",
        "b, x: seed 0 without trials, left out.",
        "b, y: no runs.",
        "Code with uncommitted changes made 1 of the analysed runs.",
    ]
    row = selection.coverage.set_index(["task", "method"]).loc[("a", "y")]
    assert (row.analysed, row.seeds, row.missing, row.unfinished) == (1, "0", "5", "1 to 2")


def test_an_option_added_later_at_its_default_is_no_other_version() -> None:
    later = KEY | {"method.warm": 3}
    runs = [
        metadata(seed=0),
        metadata(seed=1, version=later, defaults={"method.warm": 3}),
        metadata(seed=2, version=KEY | {"method.warm": 4}),
    ]
    selection = select_runs(runs)
    assert selection.analysed == [0, 1]
    assert any("method.warm 4, analysed is 3" in line for line in selection.lines)


def test_where_our_own_classes_lay_is_no_part_of_a_version() -> None:
    places = ("tasks.svm.svm_task", "tasks.svm_task")
    runs = [metadata(seed=s, version=KEY | {"task._target_": t}) for s, t in enumerate(places)]
    assert select_runs(runs).analysed == [0, 1]
    others = [metadata(seed=s, version=KEY | {"task._target_": t}) for s, t in enumerate("ab")]
    assert len(select_runs(others).analysed) == 1


def test_the_budget_of_an_old_key_is_no_part_of_a_version() -> None:
    limits = {"budget.trials": 20, "budget.target_cost": None}
    old, other = metadata(seed=0, version=KEY | limits), metadata(seed=1, version=KEY)
    assert old.version == KEY
    assert old.budget == {"trials": 20, "target_cost": None}
    assert select_runs([old, other]).analysed == [0, 1]


def test_the_budget_is_kept_where_a_method_depends_on_it() -> None:
    runs = [
        metadata(seed=seed, version=KEY | {"budget.trials": n}, budget={"trials": n})
        for seed, n in enumerate((10, 20, 20))
    ]
    other = metadata(method="x", version=KEY, budget={"trials": 20})
    assert select_runs([*runs, other]).analysed == [1, 2, 3]


def test_of_two_versions_the_one_with_most_finished_runs_is_analysed() -> None:
    new = KEY | {"method.version": 2}
    runs = [
        *(metadata(seed=seed) for seed in (0, 1)),
        *(metadata(seed=seed, version=new, status="failed", started="2027") for seed in (2, 3, 4)),
        metadata(seed=5, version=new),
    ]
    selection = select_runs(runs)
    assert selection.analysed == [0, 1]
    assert "t, m: seeds 2 to 5 missing." in selection.lines
    assert (
        "t, m: 4 runs of another version left out "
        "(seeds 2 to 5; method.version 2, analysed is 1)." in selection.lines
    )
    assert selection.coverage["other versions"].tolist() == ["2 to 5"]


@pytest.mark.parametrize("name", ["method.version", "task.version", "identity.table"])
def test_at_a_tie_the_version_started_last_is_analysed(name: str) -> None:
    runs = [
        metadata(seed=0, version=KEY | {name: "other"}, started="2026-03-01"),
        metadata(seed=1, started="2026-02-01"),
    ]
    assert select_runs(runs).analysed == [0]
    assert select_runs(runs[::-1]).analysed == [1]


def test_of_two_runs_with_one_seed_the_one_started_last_is_analysed() -> None:
    runs = [metadata(started="2026-02"), metadata(started="2026-01")]
    selection = select_runs(runs)
    assert selection.analysed == [0]
    repeated = "t, m: more than one run with seed 0; the one started last is analysed."
    assert repeated in selection.lines


def test_methods_on_different_versions_of_a_task_are_compared_with_care() -> None:
    other = KEY | {"identity.table": "f" * 64}
    runs = [metadata(method="x"), metadata(method="y"), metadata(method="z", version=other)]
    selection = select_runs(runs)
    assert selection.analysed == [0, 1, 2]
    assert selection.lines[1:] == [
        "t: z ran on another version of the task than x, y "
        "(identity.table ffffffffffff..., analysed is abc): compare with care."
    ]


def test_runs_with_other_settings_are_not_mixed() -> None:
    changes = {"method.beta": 20, "method.candidates": 7, "task.rows": 3, "workers.n": 2}
    runs = [*(metadata(seed=seed) for seed in range(3)), metadata(seed=3, version=KEY | changes)]
    selection = select_runs(runs)
    assert selection.analysed == [0, 1, 2]
    assert (
        "t, m: 1 run of another version left out (seed 3; method.beta 20, analysed is None; "
        "method.candidates 7, analysed is None; task.rows 3, analysed is None; and 1 more)."
    ) in selection.lines


def test_all_methods_are_analysed_on_the_tasks_version_that_most_runs_have() -> None:
    new = KEY | {"identity.table": "new"}
    runs = [
        *(metadata(method="x", seed=seed, version=new) for seed in range(3)),
        metadata(method="y", seed=0, version=new),
        *(metadata(method="y", seed=seed) for seed in (1, 2)),  # most of its own, but not like x
    ]
    selection = select_runs(runs)
    assert selection.analysed == [0, 1, 2, 3]
    assert any("y: 2 runs of another version left out" in line for line in selection.lines)


def test_no_finished_run_is_one_clear_line() -> None:
    with pytest.raises(ValueError, match=r"^none of 2 runs has finished$"):
        select_runs([metadata(status="failed"), metadata(seed=1, status="running")])


def test_spans() -> None:
    assert spans([5, 0, 1, 2, 2, 8, 9]) == "0 to 2, 5, 8 to 9"
    assert spans([]) == ""
