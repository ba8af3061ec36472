"""The rows and files that runs and recorders write: one schema each, for writers and readers.

``benchmarks/README.md`` says what every field means. Readers ignore fields that they do not know;
a field that is not in every file ever written is ``NotRequired``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

SCALARS = frozenset((float, int, bool, str, type(None)))
Number = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]
Config = dict[str, float | int | bool | str]
Ended = Literal["ok", "failed", "timeout", "diverged"]


class TrialRow(TypedDict):
    """A row of ``trace.jsonl``: one trial that has ended."""

    trial: Number
    config: Config
    fidelity: Share
    native: float
    nominal: NotRequired[float | None]
    status: Ended
    loss: float | None
    test_loss: float | None
    value: NotRequired[float | None]
    cost: Seconds
    cumulative_cost: Seconds
    curve: NotRequired[list[tuple[Share, float]]]
    crossed_budget: NotRequired[bool]
    note: NotRequired[dict[str, Any]]
    info: NotRequired[dict[str, Any]]
    true_loss: float | None
    true_test_loss: float | None
    recommended: Config | None
    recommended_loss: float | None
    recommended_test_loss: float | None
    recommended_test_loss_refit: NotRequired[float | None]
    recommended_cost: NotRequired[float | None]
    best_at_target: Number | None
    best_seen: Number | None
    worker: NotRequired[Number]
    start: NotRequired[float]
    end: NotRequired[float]
    suggest_overhead: float
    recommend_overhead: float
    started: NotRequired[str]
    ended: NotRequired[str]


class StartedRow(TypedDict):
    """A row of ``started.jsonl``: one trial that was started."""

    trial: Number
    config: Config
    fidelity: Share
    note: dict[str, Any]
    overhead: float
    worker: Number
    start: float
    started: str
    first: Number
    trained: Annotated[float, Meta(ge=0, le=1)]
    after: NotRequired[Number]


class EndedRow(TypedDict):
    """A row of ``ended.jsonl``: what an evaluation returned, written as soon as it has ended."""

    trial: Number
    status: Ended
    loss: float | None
    test_loss: float | None
    cost: Seconds
    info: dict[str, Any]
    curve: NotRequired[list[tuple[Share, float]]]
    end: float
    asked: Number


class Baseline(TypedDict):
    """An untuned config of a task, and what is known of it: of a live task, the config alone."""

    config: Config
    source: NotRequired[str]
    loss: NotRequired[float | None]
    test_loss: NotRequired[float | None]
    losses: NotRequired[list[float | None]]
    cost: NotRequired[Seconds | None]
    beaten_by: NotRequired[Annotated[float, Meta(ge=0, le=1)]]


class TaskFacts(TypedDict):
    """What ``meta.json`` says of the task."""

    best_loss: float | None
    target_cost: float | None
    good_cost: NotRequired[float | None]
    baselines: NotRequired[dict[str, Baseline]]
    loss_floor: float
    resolution: NotRequired[float | None]
    caption: NotRequired[str | None]
    fidelity_low: NotRequired[float]
    fidelity_values: NotRequired[list[float] | None]
    fidelity_full: NotRequired[int]
    fidelity_unit: NotRequired[str]
    resumable: NotRequired[bool]
    reproducible: NotRequired[bool]
    hyperparameters: NotRequired[list[str]]


class Part(TypedDict):
    """What made one part of a run: a run that is resumed has several."""

    trials: Number
    started: str
    commit: str | None
    dirty: bool | None
    versions: dict[str, str]
    machine: dict[str, Any]
    threads: list[dict[str, Any]]


class RunMeta(TypedDict):
    """``meta.json``: what made a run, and how it ended."""

    method: NotRequired[str]
    task: str
    seed: NotRequired[int]
    key: NotRequired[dict[str, Any]]
    at_default: NotRequired[list[str]]
    status: NotRequired[Literal["running", "finished", "failed"]]
    stopped_by: NotRequired[str | None]
    error: NotRequired[str]
    method_facts: NotRequired[dict[str, Any]]
    task_facts: TaskFacts
    commit: NotRequired[str | None]
    dirty: NotRequired[bool | None]
    versions: NotRequired[dict[str, str]]
    machine: NotRequired[dict[str, Any]]
    threads: NotRequired[Any]
    parts: NotRequired[list[Part]]
    budgets: NotRequired[list[dict[str, Any]]]
    unit: NotRequired[float | None]
    unit_from: NotRequired[str]
    started: NotRequired[str]
    finished: NotRequired[str]
    load: NotRequired[float]
    settings: dict[str, Any]


class Curve(TypedDict):
    """Losses and costs of a training at its checkpoints."""

    loss: list[float | None]
    test_loss: NotRequired[list[float | None] | None]
    cost: list[Seconds]


class RecordedRow(TypedDict):
    """A row of a recorder: one evaluation."""

    config: Config
    fidelity: Share
    subset_seed: Number
    held_out: bool
    status: Ended
    loss: float | None
    test_loss: float | None
    cost: Seconds
    wall: Seconds
    reference_before: Annotated[float, Meta(gt=0)]
    reference_after: Annotated[float, Meta(gt=0)]
    references: NotRequired[list[Annotated[float, Meta(gt=0)]]]
    load: NotRequired[float | None]
    steal: NotRequired[float | None]
    at: NotRequired[str]
    error: NotRequired[str]
    curve: NotRequired[Curve]


class Session(TypedDict):
    """The session line of a recorder, which describes the rows that follow."""

    started: NotRequired[str]
    identity: dict[str, Any]
    task_version: NotRequired[int]
    fidelity_unit: str
    fidelity_full: int
    fidelity_low: float
    fidelity_values: NotRequired[list[float] | None]
    loss_floor: float
    caption: NotRequired[str]
    sizes: NotRequired[dict[str, int]]
    space: NotRequired[dict[str, Any]]
    commit: NotRequired[str | None]
    dirty: NotRequired[bool | None]
    versions: NotRequired[dict[str, str]]
    machine: dict[str, Any]


class SessionLine(TypedDict):
    """A line that opens a session of a recorder."""

    session: Session


R = TypeVar("R")


def decode(line: bytes, schema: type[R]) -> R:
    """Decode a JSON text.

    Raises:
        ValueError: it is not JSON, or does not have the fields and types of ``schema``; the message
            is one line.
    """
    return msgspec.json.decode(line, type=schema)


LONGEST_ARRAY = 10_000
"""arrays of more values are left as they are: a row is no place for the weights of a network"""


def plain(value: Any) -> Any:
    """Convert values of numpy, torch and others to Python's, in mappings and lists, too.

    A scalar or an array of one value becomes a number, a longer array a list.
    """
    if type(value) in SCALARS:
        return value
    if isinstance(value, dict | Mapping):  # the first is faster to check
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    size = math.prod(getattr(value, "shape", ()))  # size is a method in torch
    convert = getattr(value, "item" if size == 1 else "tolist", None)
    if not callable(convert) or size > LONGEST_ARRAY or np.ma.is_masked(value):
        return value
    return convert() if size == 1 else plain(convert())


def checked(content: Mapping[str, Any], schema: type[R]) -> R:
    """Return values as a row of a schema, with plain scalars.

    Raises:
        ValueError: fields or types are not those of ``schema``; the message is one line.
    """
    return msgspec.convert(plain(content), schema)
