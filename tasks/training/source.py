"""Choose between the replay of a recorded table and the live task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Space, check_choice, nearest

SOURCES = ("recorded", "live")


def replay_or_live(
    live: Callable[..., Task],
    space: Mapping[str, Mapping[str, Any]],
    source: str,
    table: str | None,
    surrogate: str | None,
    options: Mapping[str, Any],
    asked: Mapping[str, Any],
    *,
    values: tuple[int, ...] | None = None,
    nominal: tuple[float, ...] | None = None,
    baseline: Config | None = None,
) -> Task:
    """Build the replay or the live task.

    Args:
        live: class of the live task.
        space: spec of the search space; must equal that of the table in a replay.
        source: ``recorded`` or ``live``.
        table: name of the shipped table of curves, or a path ending in ``.npz``.
        surrogate: model that predicts the curves of unrecorded configs; see
            ``tasks.replay.curves``.
        options: other options of the live task.
        asked: options that change the training; a replay checks them against its table.
        values: as in ``RecordedCurves``.
        nominal: as in ``RecordedCurves``.
        baseline: as in ``RecordedCurves``.

    Raises:
        ValueError: unknown source or option, or an option or space differs from the recording.
        tasks.replay.table.TableError: the table is missing or damaged.
        tasks.datasets.DataError: the data set of the live task is not available.
    """
    names = list(inspect.signature(live).parameters)
    for option in options:
        if option not in names:
            raise ValueError(f"unknown key task.{option}{nearest(option, names)}")
    check_choice("task.source", source, SOURCES)
    if source == "live":
        return live(space=space, **options)
    from tasks.replay.curves import RecordedCurves

    if table is None:
        raise ValueError("task.table=None: no curves are recorded; set task.source=live")
    task = RecordedCurves(
        table,
        surrogate,
        values=values,
        nominal=nominal,
        resume_training=bool(options.get("resume_training")),
        baseline=baseline,
        asked=asked,
    )
    if Space.from_spec(space).spec() != task.space.spec():
        raise ValueError("task.space: differs from the recorded space; set task.source=live")
    return task
