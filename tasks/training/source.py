"""Factories of tasks: the replay of a recorded table, or the live task."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import Space, check_choice, nearest

SOURCES = ("recorded", "live")


def with_options_of(live: Callable[..., Task]) -> Callable[[Callable[..., Task]], Any]:
    """Return a decorator for a factory that takes options of a live task as ``**options``.

    It states these options, with their defaults, in the signature of the factory. The runner reads
    there which options exist, and which are at their default: a run from before such an option
    existed is the same run. Called with any other option, the factory raises ``ValueError``.

    Args:
        live: class of the live task.
    """

    def decorate(factory: Callable[..., Task]) -> Callable[..., Task]:
        parameters = dict(inspect.signature(factory).parameters)
        del parameters["options"]
        for name, parameter in inspect.signature(live).parameters.items():
            parameters.setdefault(name, parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

        @functools.wraps(factory)
        def build(*arguments: Any, **options: Any) -> Task:
            for name in options:
                if name not in parameters:
                    raise ValueError(f"unknown key task.{name}{nearest(name, list(parameters))}")
            return factory(*arguments, **options)

        build.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
        return build

    return decorate


def factory_of(live: Callable[..., Task], trained: Sequence[str]) -> Callable[..., Task]:
    """Return the factory of a task that is replayed from a table of curves; see ``replay_or_live``.

    Args:
        live: class of the live task.
        trained: names of its options that change the training.
    """

    @with_options_of(live)
    def build(
        space: Mapping[str, Mapping[str, Any]],
        source: str = "recorded",
        table: str | None = None,
        surrogate: str | None = None,
        **options: Any,
    ) -> Task:
        asked = {name: options.get(name) for name in trained}
        return replay_or_live(live, space, source, table, surrogate, options, asked)

    factory: Callable[..., Task] = build
    return factory


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

    Raises:
        ValueError: unknown source, or an option or space differs from the recording.
        tasks.replay.table.TableError: the table is missing or damaged.
        tasks.datasets.DataError: the data set of the live task is not available.
    """
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
        baseline=options.get("baseline"),
        baseline_default=options.get("baseline_default"),
        asked=asked,
    )
    if Space.from_spec(space).spec() != task.space.spec():
        raise ValueError("task.space: differs from the recorded space; set task.source=live")
    return task
