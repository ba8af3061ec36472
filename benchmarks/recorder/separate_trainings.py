"""Make one curve of a config's trainings at several fidelities, each a training of its own.

Where a training cannot be resumed, such as of boosted trees on ever more rows, losses at rising
fidelities still are a curve that the surrogates of learning curves can hold. The cost of an entry
is then that of its own training, from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.space import Space
from benchmarks.recorder.raw_rows import Row

Timed = tuple[Row, float, bool]
"""a row, its normalised cost in seconds, and whether the cost is marked"""


def separate_trainings(
    chosen: Sequence[Timed], space: Space
) -> tuple[list[float], dict[str, NDArray[Any]], int]:
    """Pivot trainings into one curve per config and seed.

    A curve ends before the first training that diverged, and keeps the cost of this one. A curve
    of which a training is missing (of an interrupted recording) or failed is dropped.

    Args:
        chosen: rows with costs, from ``cost_normalisation.best_rows``.
        space: search space of the task.

    Returns:
        The fidelities in rising order, the recorded columns of ``tasks.replay.curves.CURVES``, and
        the number of dropped curves.

    Raises:
        ValueError: no row is a full training.
    """
    shares = sorted({row.record["fidelity"] for row, *_ in chosen})
    if not shares or shares[-1] != 1:
        raise ValueError("0 full trainings are recorded: a surrogate needs 20 or more")
    groups: dict[tuple[Any, int], dict[float, Timed]] = {}
    for timed in chosen:
        configured, fidelity, seed = timed[0].key
        groups.setdefault((configured, seed), {})[fidelity] = timed
    whole = [group for group in groups.values() if _is_whole(group, shares)]
    columns: dict[str, list[Any]] = {
        name: [] for name in ("config", "training_seed", "held_out", "epochs", "marked")
    }
    loss, test_loss = np.full((2, len(whole), len(shares)), np.nan)
    cost = np.full((len(whole), len(shares) + 1), np.nan)
    for line, group in enumerate(whole):
        ordered = [group[share] for share in shares]
        records = [row.record for row, *_ in ordered]
        held = next((n for n, r in enumerate(records) if r["status"] == "diverged"), len(shares))
        for entry, record in enumerate(records[:held]):
            loss[line, entry], test = record["loss"], record["test_loss"]
            test_loss[line, entry] = np.nan if test is None else test
        spent = [seconds for _, seconds, _ in ordered[: held + 1]]
        cost[line, : len(spent)] = np.round(spent, 6)
        columns["config"].append(space.numbers(records[0]["config"]))
        columns["training_seed"].append(records[0]["subset_seed"])
        columns["held_out"].append(records[0]["held_out"])
        columns["epochs"].append(held)
        columns["marked"].append(any(late for *_, late in ordered))
    made = {name: np.array(column) for name, column in columns.items()}
    made |= {"loss": loss, "test_loss": test_loss, "cost": cost}
    return shares, made, len(groups) - len(whole)


def _is_whole(group: dict[float, Timed], shares: Sequence[float]) -> bool:
    """Return True if a config was trained at all fidelities, and none of the trainings failed."""
    statuses = {row.record["status"] for row, *_ in group.values()}
    return len(group) == len(shares) and statuses <= {"ok", "diverged"}
