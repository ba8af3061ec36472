"""What ``task=cars_head`` names: the replay of its recorded curves, or the live task."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import Space, check_choice, nearest
from tasks.cars.live import FIDELITIES, MULTITASK, Cars

SOURCES = ("recorded", "live")
TRAINED = ("backbone", "train", "protocol", "image_size", "precision", "epochs")
"""options of the live task that change what is trained"""


def cars_task(
    space: Mapping[str, Mapping[str, Any]],
    source: str = "recorded",
    table: str | None = None,
    surrogate: str | None = None,
    fidelity: str = "epochs",
    **options: Any,
) -> Task:
    """Build the task.

    Args:
        space: the hyperparameters; a replay has those of its table.
        source: ``recorded`` or ``live``.
        table: name of the shipped table of curves, or a path ending in ``.npz``.
        surrogate: what replays configs between recorded ones; see ``tasks.replay.curves``.
        fidelity: ``epochs`` or ``multitask``, as of ``Cars``.
        options: the others of ``Cars``; a replay checks those that would change what was trained
            against its table.

    Raises:
        ValueError: unknown source or option, or trainings that were not recorded.
        tasks.replay.table.TableError: the table is not there or damaged.
        tasks.datasets.DataError: live, photos or weights cannot be had.
    """
    known = list(inspect.signature(Cars).parameters)
    for word in options:
        if word not in known:
            raise ValueError(f"unknown key task.{word}{nearest(word, known)}")
    check_choice("task.source", source, SOURCES)
    if source == "live":
        return Cars(space=space, fidelity=fidelity, **options)
    from tasks.replay.curves import RecordedCurves

    check_choice("task.fidelity", fidelity, FIDELITIES)
    if table is None:
        raise ValueError("task.table=None: no curves are recorded; set task.source=live")
    if options.get("cache_features") is False:
        raise ValueError(
            "task.cache_features=False: no such trainings are recorded; set task.source=live"
        )
    weights = options.get("weights", "auto")
    if weights not in ("auto", "imagenet"):
        raise ValueError(
            f"task.weights={weights}: no such trainings are recorded; set task.source=live"
        )
    device = options.get("device")
    few = fidelity == "multitask"
    task = RecordedCurves(
        table,
        surrogate,
        values=tuple(MULTITASK) if few else None,
        nominal=tuple(MULTITASK.values()) if few else None,
        resume_training=bool(options.get("resume_training")),
        baseline=options.get("baseline"),
        asked={
            **{name: options.get(name) for name in TRAINED},
            "device": None if device == "auto" else device,
        },
    )
    if Space.from_spec(space).spec() != task.space.spec():
        raise ValueError("task.space: not the recorded one; set task.source=live")
    return task
