"""Entries of a table of curves, in units of its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.replay import table as tables
from tasks.replay.curves import shares_of


def kind_of_loss(meta: Mapping[str, Any]) -> str:
    """Return ``error``, for error rates, or ``loss``, such as nats: those have no ``classes``."""
    return "error" if "classes" in meta["sizes"] else "loss"


def length(table: tables.Table) -> int:
    """Return the number of entries of a whole curve."""
    return int(table.columns["loss"].shape[1])


def in_units(table: tables.Table, entry: int) -> int:
    """Return the units of the task, such as steps, after which an entry (from 1) was measured."""
    full: int = table.meta["fidelity_full"]
    return max(1, round(shares_of(table.meta, length(table))[entry - 1] * full))
