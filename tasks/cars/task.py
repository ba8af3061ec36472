"""Build the task ``cars_head``: the replay of its recorded curves, or the live task."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import Space, check_choice, nearest
from tasks.cars.live import FIDELITIES, MULTITASK, Cars

SOURCES = ("recorded", "live")
TRAINED = ("backbone", "train", "protocol", "image_size", "precision", "epochs")
"""options of the live task that change the training"""


def cars_task(
    space: Mapping[str, Mapping[str, Any]],
    source: str = "recorded",
    table: str | None = None,
    surrogate: str | None = None,
    fidelity: str = "epochs",
    **options: Any,
) -> Task:
    """Build the replay or the live task.

    Args:
        space: spec of the search space; must equal that of the table in a replay.
        source: ``recorded`` or ``live``.
        table: name of the shipped table of curves, or a path ending in ``.npz``.
        surrogate: model that predicts the curves of unrecorded configs; see
            ``tasks.replay.curves``.
        fidelity: ``epochs`` or ``multitask``, as in ``Cars``.
        options: other options of ``Cars``. A replay raises an error if one of those that change
            the training differs from its table.

    Raises:
        ValueError: unknown source or option, or an option or space differs from the recording.
        tasks.replay.table.TableError: the table is missing or damaged.
        tasks.datasets.DataError: photos or weights of the live task are not available.
    """
    names = list(inspect.signature(Cars).parameters)
    for option in options:
        if option not in names:
            raise ValueError(f"unknown key task.{option}{nearest(option, names)}")
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
        raise ValueError("task.space: differs from the recorded space; set task.source=live")
    return task
