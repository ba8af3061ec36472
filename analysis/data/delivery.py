"""Cost of delivering the recommended config: of the target training that it still lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from analysis.data.incumbents import FULL
from analysis.data.load import Array, Run


class Delivery(NamedTuple):
    """What it would cost to deliver the config that a run recommends after each of its trials."""

    cost: Array
    """seconds, shape ``(trials,)``: 0 if the config has been trained at the target, NaN without a
    recommendation and where the cost is not known"""
    estimated: bool
    """True if a cost is an extrapolation, because the task does not know its target costs"""


class _Trained(NamedTuple):
    """How far a config has been trained."""

    fidelity: float
    """the highest fidelity that ended well"""
    cost: float
    """cost of training up to there from the start, seconds"""


def delivery(run: Run) -> Delivery:
    """Return the cost of the target training that each recommended config still lacks.

    It is the cost of the config at the target that the task states (``recommended_cost`` of the
    trace) or, without one, that of its training at its highest fidelity divided by this fidelity.
    If trainings are continued (``resumable``), what has been paid for is subtracted.

    Args:
        run: a run with trials.
    """
    resumable = bool(run.meta["task_facts"].get("resumable"))
    trained: dict[str, _Trained] = {}
    costs, estimated = np.full(len(run.rows), np.nan), False
    name, known = "", None
    for index, row in enumerate(run.rows):
        if row["status"] == "ok":
            own = name_of(row["config"])
            before = trained.get(own, _Trained(0.0, 0.0))
            if row["fidelity"] >= before.fidelity:
                paid = before.cost + row["cost"] if resumable else row["cost"]
                trained[own] = _Trained(row["fidelity"], paid)
        config = row["recommended"]
        if config is None:
            continue
        if config != known:  # most rows recommend what the row before did
            name, known = name_of(config), config
        stated = row.get("recommended_cost")
        costs[index] = _missing(trained.get(name), stated, resumable)
        estimated |= stated is None and costs[index] > 0
    return Delivery(costs, estimated)


def _missing(trained: _Trained | None, stated: float | None, resumable: bool) -> float:
    """Return the cost of the target training that a config lacks, NaN if not known."""
    if trained is not None and trained.fidelity >= FULL:
        return 0.0
    if stated is None:
        if trained is None:
            return float("nan")
        stated = trained.cost / trained.fidelity
    paid = trained.cost if resumable and trained is not None else 0.0
    return max(stated - paid, 0.0)


def name_of(config: Mapping[str, object]) -> str:
    """Return a text that is the same for equal configs."""
    return json.dumps(config, sort_keys=True)
