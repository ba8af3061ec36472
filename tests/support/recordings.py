"""Lines of a rows file, as a recorder writes them, with made-up values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.recorder import raw_rows

CONFIG = {"log_c": -10, "log_gamma": 1 / 3}


def session(cpu: str = "fast", backend: str = "sklearn") -> dict[str, Any]:
    """The line before the evaluations of one session, on a CPU model."""
    return {
        "session": {
            "identity": {"data": "made up", "backend": backend},
            "fidelity_low": 0.25,
            "fidelity_full": 400,
            "fidelity_unit": "training rows",
            "loss_floor": 0.001,
            "commit": None,
            "dirty": None,
            "versions": {"python": "3"},
            "machine": {"cpu": cpu, "cores": 2, "memory_gib": 8, "system": "Linux"},
        }
    }


def facts(
    cost: float = 10.0,
    reference: float = 1.0,
    status: str = "ok",
    *,
    config: Mapping[str, Any] = CONFIG,
    fidelity: float = 1 / 512,
    **others: Any,
) -> dict[str, Any]:
    """One evaluation: its CPU seconds, and the reference kernel's before and after."""
    return {
        "config": config,
        "fidelity": fidelity,
        "subset_seed": 0,
        "held_out": False,
        "status": status,
        "loss": 0.1,
        "test_loss": None,
        "cost": cost,
        "wall": cost,
        "reference_before": reference,
        "reference_after": reference,
        **others,
    }


def recorded(path: Path, *lines: dict[str, Any]) -> list[raw_rows.Row]:
    """Append the lines to the file; returns all its evaluations."""
    for line in lines:
        raw_rows.append(path, line)
    return raw_rows.read(path)
