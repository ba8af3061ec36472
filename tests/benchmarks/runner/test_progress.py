from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.budget import Unit
from benchmarks.runner.progress import (
    Reporter,
    closing_table,
    limits_text,
    number,
    regret_of,
    seconds,
)

ROW: dict[str, Any] = {
    "trial": 0,
    "config": {"x": 0.5},
    "fidelity": 0.25,
    "native": 25,
    "status": "ok",
    "loss": 0.3,
    "test_loss": 0.31,
    "cumulative_cost": 200.0,
    "recommended": {"x": 0.5, "kind": "a"},
    "recommended_loss": 0.2,
    "recommended_test_loss": 0.21,
    "recommended_test_loss_refit": None,
    "best_at_target": None,
    "best_seen": 0,
    "worker": 0,
    "end": 201.0,
    "suggest_overhead": 0.5,
    "recommend_overhead": 0.25,
}
META = {
    "method": "m",
    "task": "t",
    "seed": 0,
    "stopped_by": "trials",
    "task_facts": {"best_loss": 0.15, "fidelity_unit": "rows", "caption": "made up"},
}


def test_durations_are_in_the_unit_that_suits_them() -> None:
    assert [seconds(v) for v in (0.5, 119, 120, 7200)] == ["0.50 s", "119.00 s", "2.0 min", "2.0 h"]
    assert number(None) == "-"


def test_regret_is_not_known_without_truth_or_best() -> None:
    assert regret_of(ROW, 0.15) == pytest.approx(0.05)
    assert regret_of(ROW, None) is None
    assert regret_of(ROW | {"recommended_loss": None}, 0.15) is None


def test_without_a_terminal_progress_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter("title", 20, 0.15) as reporter:
        for trial in range(20):
            reporter.show(ROW | {"trial": trial})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "title"
    assert lines[1] == "trial 2/20: cost 3.3 min, regret 0.05"
    assert len(lines) == 11


GOOD = Unit(182.0, "the task", 52.9)


@pytest.mark.parametrize(
    ("asked", "unit", "text"),
    [
        ({"trainings": 2, "trials": None}, GOOD, "2 trainings of a good config (52.9 s each)"),
        ({"trainings": 2}, GOOD._replace(good=None), "2 full trainings (3.0 min each)"),
        (
            {"target_evaluations": 2.5, "trials": 150},
            GOOD,
            "150 trials or 2.5 full trainings (3.0 min each)",
        ),
        ({"trainings": 2}, None, "2 full trainings (of a cost to be measured)"),
        (
            {"cost": 60, "nominal": 4},
            None,
            "a cost of 60.00 s or a nominal cost of 4 full trainings",
        ),
    ],
)
def test_a_budget_is_said_with_its_unit(asked: dict[str, Any], unit: Any, text: str) -> None:
    assert limits_text(asked, unit) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "2 trainings of a good config (52.9 s each)"),
        ({"target_cost": 182.0}, "2 full trainings (3.0 min each)"),
    ],
)
def test_the_closing_table_says_the_limit_that_ended_the_run(
    changes: dict[str, Any], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    meta: Any = META | {
        "stopped_by": "trainings",
        "budgets": [{"trials": 5}, {"trainings": 2, **changes}],
        "unit": 182.0,
        "unit_from": "the task",
        "task_facts": {**META["task_facts"], "good_cost": 52.9},  # type: ignore[dict-item]
    }
    closing_table([ROW], meta, Path("folder"), None)  # type: ignore[list-item]
    assert text in capsys.readouterr().out


def test_the_closing_table_says_what_was_found_and_what_it_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    closing_table([ROW], META, Path("folder"), Path("folder/regret.png"))
    text = capsys.readouterr().out
    pieces = ("x=0.5, kind=a", "0.21", "0.05", "3.3 min in 1 trials", "0.750 s a trial", "made up")
    for piece in pieces:
        assert piece in text
    assert "folder/trace.jsonl" in text
    assert "folder/regret.png" in text


def test_where_no_truth_is_known_the_lowest_loss_seen_is_shown_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unknown = {"recommended_loss": None, "recommended_test_loss": None}
    failed = ROW | unknown | {"trial": 1, "status": "failed", "loss": None}
    closing_table([ROW | unknown, failed], META, Path("f"), None)
    text = capsys.readouterr().out
    assert "0.3 at fidelity 0.25, test error 0.31" in text
    assert "regret" not in text
    assert "1 failed" in text
