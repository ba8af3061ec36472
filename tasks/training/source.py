"""What the YAML of a recorded task names: the replay of its table, or the live task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import Space, check_choice, nearest

SOURCES = ("recorded", "live")


def replay_or_live(
    live: Callable[..., Task],
    space: Mapping[str, Mapping[str, Any]],
    source: str,
    table: str | None,
    surrogate: str | None,
    options: Mapping[str, Any],
    trained: Sequence[str],
) -> Task:
    """Build the task.

    Args:
        live: class of the live task.
        space: the hyperparameters; a replay has those of its table.
        source: ``recorded`` or ``live``.
        table: name of the shipped table of curves, or a path ending in ``.npz``.
        surrogate: what replays configs between recorded ones; see ``tasks.replay.curves``.
        options: the others of the live task.
        trained: those of them that change what is trained; a replay checks them against its table.

    Raises:
        ValueError: unknown source or option, or trainings that were not recorded.
        tasks.replay.table.TableError: the table is not there or damaged.
        tasks.datasets.DataError: live, the data cannot be had.
    """
    known = list(inspect.signature(live).parameters)
    for word in options:
        if word not in known:
            raise ValueError(f"unknown key task.{word}{nearest(word, known)}")
    check_choice("task.source", source, SOURCES)
    if source == "live":
        return live(space=space, **options)
    from tasks.replay.curves import RecordedCurves

    if table is None:
        raise ValueError("task.table=None: no curves are recorded; set task.source=live")
    task = RecordedCurves(
        table,
        surrogate,
        resume_training=bool(options.get("resume_training")),
        baseline=options.get("baseline_default"),
        asked={name: options.get(name) for name in trained},
    )
    if Space.from_spec(space).spec() != task.space.spec():
        raise ValueError("task.space: not the recorded one; set task.source=live")
    return task
