"""Rows and metadata of made-up runs, whole, as the runner writes them."""

from __future__ import annotations

from typing import Any

from benchmarks.core.records import EndedRow, RunMeta, StartedRow, TrialRow, checked

_TRIAL: dict[str, Any] = {
    "config": {"x": 0.5}, "fidelity": 1.0, "native": 100, "nominal": None, "status": "ok",
    "loss": 0.5, "test_loss": None, "cost": 1.0, "cumulative_cost": 1.0,
    "note": {}, "info": {}, "true_loss": None, "true_test_loss": None, "recommended": None,
    "recommended_loss": None, "recommended_test_loss": None, "recommended_test_loss_refit": None,
    "best_at_target": None, "best_seen": None, "worker": 0, "start": 0.0, "end": 1.0,
    "suggest_overhead": 0.0, "recommend_overhead": 0.0, "started": "", "ended": "",
}  # fmt: skip
_STARTED: dict[str, Any] = {
    "config": {"x": 0.5}, "fidelity": 1.0, "note": {}, "overhead": 0.0, "worker": 0, "start": 0.0,
    "started": "", "trained": 0.0,
}  # fmt: skip


def trial_row(number: int, **changes: Any) -> TrialRow:
    """A row of ``trace.jsonl``."""
    return checked({"trial": number, **_TRIAL, **changes}, TrialRow)


def started_row(number: int, **changes: Any) -> StartedRow:
    """A row of ``started.jsonl``."""
    return checked({"trial": number, **_STARTED, "first": number, **changes}, StartedRow)


def ended_row(number: int, **changes: Any) -> EndedRow:
    """A row of ``ended.jsonl``."""
    row = {"status": "ok", "loss": 0.5, "test_loss": None, "cost": 1.0, "info": {}, "end": 1.0}
    row["asked"] = number + 1
    return checked({"trial": number, **row, **changes}, EndedRow)


def run_meta(**changes: Any) -> RunMeta:
    """The content of a ``meta.json``; ``changes`` may have ``task_facts`` in part."""
    facts = {"best_loss": None, "target_cost": None, "loss_floor": 0.0}
    facts |= changes.pop("task_facts", {})
    base = {"method": "m", "task": "t", "seed": 0, "task_facts": facts, "settings": {}}
    return checked(base | changes, RunMeta)
