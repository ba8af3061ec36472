"""Build the task ``cars_head``: the replay of its recorded curves, or the live task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import check_choice
from tasks.cars.live import FIDELITIES, MULTITASK, Cars
from tasks.training.source import replay_or_live, with_options_of

TRAINED = ("backbone", "train", "protocol", "image_size", "precision", "epochs")
"""options of the live task that change the training"""


@with_options_of(Cars)
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
    if source != "live":
        _check_replayable(fidelity, options)
    few = fidelity == "multitask"
    device, share = options.get("device"), options.get("train_share")
    return replay_or_live(
        Cars,
        space,
        source,
        table,
        surrogate,
        {"fidelity": fidelity, **options},
        {
            **{name: options.get(name) for name in TRAINED},
            "device": None if device == "auto" else device,
            "train_share": None if share == 1 else share,  # tables of all photos do not have it
        },
        values=tuple(MULTITASK) if few else None,
        nominal=tuple(MULTITASK.values()) if few else None,
    )


def _check_replayable(fidelity: str, options: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for options whose trainings are not in any table."""
    check_choice("task.fidelity", fidelity, FIDELITIES)
    cached, weights = options.get("cache_features"), options.get("weights", "auto")
    if cached is False:
        raise ValueError(
            "task.cache_features=False: no such trainings are recorded; set task.source=live"
        )
    if weights not in ("auto", "imagenet"):
        raise ValueError(
            f"task.weights={weights}: no such trainings are recorded; set task.source=live"
        )
