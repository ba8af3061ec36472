"""What a report says of a run besides its trials: how it ended, and what made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.data.load import Run


@dataclass(frozen=True)
class RunMetadata:
    """Of one run; all of it fits into JSON."""

    task: str
    method: str
    """the folder's name: with what was overridden"""
    seed: int
    status: str
    """``finished``, ``failed``, or what else the runner left"""
    stopped_by: str | None
    started: str
    """date and time, ISO 8601; empty if not known"""
    commit: str | None
    dirty: bool
    """True if the code had uncommitted changes"""
    trials: int
    cost: float
    """of all trials, seconds"""
    overhead: float
    """of all trials, CPU seconds"""
    version: Mapping[str, Any]
    """all settings but the seed, versions of method and task (``method.version``,
    ``task.version``), what is trained (``identity.*``): runs that differ here are not mixed. Our
    own classes have no ``_target_`` here, whatever a file says: they may move"""
    versions: Mapping[str, str]
    """of Python and its packages"""
    machine: Mapping[str, Any]
    caption: str
    """what the task says of itself; mostly empty"""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """settings that have their default value. A run made before there was such an option does not
    have it in ``version`` and is the same for all that"""

    def __post_init__(self) -> None:
        kept = {
            name: value
            for name, value in self.version.items()
            if not (name.endswith("._target_") and str(value).startswith(("methods.", "tasks.")))
        }
        object.__setattr__(self, "version", kept)

    @property
    def finished(self) -> bool:
        """True if the budget was spent."""
        return self.status == "finished" and self.trials > 0


def completed(facts: Sequence[RunMetadata]) -> list[RunMetadata]:
    """Give each run's ``version`` the options that it was made before, at their defaults.

    An option is known from the other runs of the same task, or of the same task and method.
    """
    known: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for one in facts:
        for name, value in one.defaults.items():
            method = "" if name.startswith("task.") else one.method
            known[one.task, method][name] = value
    return [
        replace(one, version={**known[one.task, ""], **known[one.task, one.method], **one.version})
        for one in facts
    ]


def metadata_of(run: Run) -> RunMetadata:
    """The facts of a loaded run."""
    meta, rows = run.meta, run.rows
    key = meta.get("key", {})
    return RunMetadata(
        task=run.task,
        method=run.method,
        seed=int(meta["seed"]),
        status=str(meta.get("status")),
        stopped_by=meta.get("stopped_by"),
        started=str(meta.get("started", "")),
        commit=meta.get("commit"),
        dirty=bool(meta.get("dirty")),
        trials=len(rows),
        cost=float(rows[-1]["cumulative_cost"]) if rows else 0.0,
        overhead=sum(row["suggest_overhead"] + row["recommend_overhead"] for row in rows),
        version={name: value for name, value in sorted(key.items()) if name != "seed"},
        versions=meta.get("versions", {}),
        machine=meta.get("machine", {}),
        caption=str(meta["task_facts"].get("caption") or ""),
        defaults={name: key[name] for name in meta.get("at_default", []) if name in key},
    )
