"""What a table says of the untuned configs of its task, which gains are measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.records import Baseline
from benchmarks.core.space import Config, Space
from benchmarks.recorder.cost_normalisation import best_rows
from benchmarks.recorder.random_configs import Draws
from benchmarks.recorder.raw_rows import Row

OPTIONS = {"talk": "baseline", "default": "baseline_default"}
"""name of an untuned config -> the task's option that holds it"""
WEAK = 0.4
"""an untuned config that more random configs beat is never the only baseline of a claim"""


def untuned_of(options: Mapping[str, Any]) -> dict[str, Config]:
    """Return the untuned configs among the options of a task, by name."""
    return {name: options[option] for name, option in OPTIONS.items() if options.get(option)}


def facts_of(
    untuned: Mapping[str, Config],
    sources: Mapping[str, str],
    recorded: Sequence[Row],
    task: Task,
    draws: Draws,
) -> dict[str, Baseline]:
    """Return loss, cost and rank of untuned configs.

    ``loss`` and ``test_loss`` are the true ones of the replay, with which those of any other config
    can be compared. ``losses`` has one entry per recorded training at the target, null for one that
    diverged or failed; it is empty if none was recorded, and then the replay's are interpolated.
    ``cost`` is the mean over these trainings, or the replay's.

    Args:
        untuned: configs by name.
        sources: where each of them is from.
        recorded: all raw rows.
        task: the replay of the table.
        draws: random configs of this replay.
    """
    found: dict[str, Baseline] = {}
    for name, config in untuned.items():
        numbers = task.space.numbers(config)
        trained = trainings_of(numbers, recorded, task.space)
        truth = task.truth(config)
        costs = [cost for _, cost in trained]
        if not costs:
            rng = np.random.default_rng(0)
            costs = [task.evaluate(config, 1.0, rng).cost]
        facts: Baseline = {
            "config": task.space.from_numbers(numbers),
            "loss": truth.loss,
            "test_loss": truth.test_loss,
            "losses": [loss for loss, _ in trained],
            "cost": round(float(np.mean(costs)), 3),
        }
        if name in sources:
            facts["source"] = sources[name]
        if truth.loss is not None:
            facts["beaten_by"] = draws.beaten_by(truth.loss)
        found[name] = facts
    return found


def trainings_of(
    numbers: Sequence[float], recorded: Sequence[Row], space: Space
) -> list[tuple[float | None, float]]:
    """Return loss and normalised cost of all trainings of a config at the target, by seed."""
    found = [
        (row.record["subset_seed"], row.record["loss"], cost)
        for row, cost, _ in best_rows(recorded)
        if row.record["fidelity"] == 1 and space.numbers(row.record["config"]) == numbers
    ]
    return [(loss, cost) for _, loss, cost in sorted(found, key=lambda entry: entry[0])]


def lines(baselines: Mapping[str, Baseline], kind: str) -> list[str]:
    """Return the lines of a card on untuned configs.

    Args:
        baselines: what ``facts_of`` returned.
        kind: kind of loss, ``error`` or ``loss``.
    """
    return [_line(name, facts, kind) for name, facts in baselines.items()]


def _line(name: str, facts: Baseline, kind: str) -> str:
    where = ", ".join(f"{key}={_short(value)}" for key, value in facts["config"].items())
    losses = facts.get("losses", [])
    if losses:
        values = ", ".join("diverged or failed" if v is None else f"{v:.4f}" for v in losses)
        count = f"{len(losses)} training{'s' * (len(losses) > 1)}"
        measured = f"validation {kind} {values} ({count} recorded)"
    else:
        measured = f"not recorded; validation {kind} of the replay {_four(facts.get('loss'))}"
    test = facts.get("test_loss")
    tested = "" if test is None else f", test {kind} {test:.4f}"
    share = facts.get("beaten_by")
    beaten = "no true loss, since a training diverged"
    if share is not None:
        beaten = f"{share:.1%} of random configs are better"
        if share > WEAK:
            beaten += ": never the only baseline of a claim"
    source = f" ({facts['source']})" if "source" in facts else ""
    return (
        f"- untuned config `baseline_{name}`{source}: {where}: {measured}{tested}, "
        f"{facts.get('cost'):g} s; {beaten}"
    )


def _four(loss: float | None) -> str:
    return "unknown" if loss is None else f"{loss:.4f}"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
