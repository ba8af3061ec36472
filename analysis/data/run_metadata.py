"""Metadata of a run: how it ended, and the settings, code and machine that produced it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.data.load import Run

BUDGET = "budget."
"""how the names of the limits begin in keys"""
OWN = ("methods.", "tasks.")
"""how the names of the suite's own classes begin"""
FACTS = ("baselines", "good_cost")
BASELINE = re.compile(r"task\.baseline(_default)?(\.|$)")
"""keys of untuned configs: results do not depend on them, and only runs of version 0.1 have them"""


@dataclass(frozen=True)
class RunMetadata:
    """Metadata of one run; every field can be written as JSON."""

    task: str
    method: str
    """name of the method followed by its overridden options, as in the name of the folder"""
    seed: int
    status: str
    """``finished``, ``failed``, or another status that the runner wrote"""
    stopped_by: str | None
    """the limit of the budget that ended the run, such as ``trials``; None for an unfinished run"""
    started: str
    """date and time in ISO 8601; empty if not known"""
    commit: str | None
    """hash of the Git commit of the code; None if not known"""
    dirty: bool
    """True if the code had uncommitted changes"""
    trials: int
    """number of trials that ended"""
    cost: float
    """total evaluation cost in seconds"""
    overhead: float
    """total time that the method took to suggest and to recommend, in CPU seconds"""
    version: Mapping[str, Any]
    """all settings except the seed, the versions of method and task (``method.version``,
    ``task.version``) and the identity of the data (``identity.*``). Runs that differ here are not
    pooled. A ``_target_`` that names a class of this repository is dropped, because classes may
    move; so are untuned configs, and the budget of runs of version 0.1: a run with a larger one is
    a longer run. The budget stays where the method depends on it"""
    versions: Mapping[str, str]
    """versions of Python and of its packages, by name"""
    machine: Mapping[str, Any]
    """description of the machine, such as ``cpu``"""
    caption: str
    """a remark about the task for captions; empty for most tasks"""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """the settings that have their default value. Runs that predate an option lack it in
    ``version``; ``with_defaults`` adds it, so that both count as the same version"""
    budget: Mapping[str, Any] = field(default_factory=dict)
    """the budget asked for last, by limit (see ``analysis.data.load.Run.asked``); archives of
    version 0.1 have it in ``version`` only, from where it is taken"""
    error: str = ""
    """why the run failed, in one line; empty if it did not, or if that is not known"""
    task_facts: Mapping[str, Any] = field(default_factory=dict)
    """``baselines`` (untuned configs, by name) and ``good_cost`` of the task, as in
    ``meta.json``; empty for runs from before these were written"""

    def __post_init__(self) -> None:
        kept = {
            name: value
            for name, value in self.version.items()
            if not (name.endswith("._target_") and str(value).startswith(OWN))
        }
        if str(self.version.get("task._target_", "tasks.")).startswith(OWN):
            kept = {name: value for name, value in kept.items() if not BASELINE.match(name)}
        if not self.budget:
            limits = {name: kept.pop(name) for name in self.version if name.startswith(BUDGET)}
            budget = {name.removeprefix(BUDGET): value for name, value in limits.items()}
            object.__setattr__(self, "budget", budget)
        object.__setattr__(self, "version", kept)

    @property
    def finished(self) -> bool:
        """True if the run spent its budget and has at least one trial."""
        return self.status == "finished" and self.trials > 0


def with_defaults(runs: Sequence[RunMetadata]) -> list[RunMetadata]:
    """Return the runs with missing options added to ``version`` at their default values.

    A run misses options that were introduced after it was made. The defaults are those of other
    runs of the same task (for options of the task) or of the same task and method (for others).
    """
    defaults: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for run in runs:
        for name, value in run.defaults.items():
            method = "" if name.startswith("task.") else run.method
            defaults[run.task, method][name] = value
    return [
        replace(
            run, version={**defaults[run.task, ""], **defaults[run.task, run.method], **run.version}
        )
        for run in runs
    ]


def metadata_of(run: Run) -> RunMetadata:
    """Return the metadata of a loaded run.

    Raises:
        KeyError: if ``meta.json`` or a row of the trace lacks a field.
    """
    meta, rows = run.meta, run.rows
    key = meta.get("key", {})
    known: Mapping[str, Any] = meta["task_facts"]
    left_out = {"seed"}
    if "budgets" not in meta:  # of version 0.1, whose keys always held the budget
        left_out |= {name for name in key if name.startswith(BUDGET)}
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
        cost=float(run.cost[-1]) if rows else 0.0,
        overhead=sum(row["suggest_overhead"] + row["recommend_overhead"] for row in rows),
        version={name: value for name, value in sorted(key.items()) if name not in left_out},
        versions=meta.get("versions", {}),
        machine=meta.get("machine", {}),
        caption=str(meta["task_facts"].get("caption") or ""),
        defaults={name: key[name] for name in meta.get("at_default", []) if name in key},
        budget=run.asked,
        error=" ".join(str(meta.get("error") or "").split()),
        task_facts={name: known[name] for name in FACTS if known.get(name)},
    )
