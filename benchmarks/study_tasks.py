"""Find the methods of a study, and its tasks that replay a table: in its plan, runs or archive."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from omegaconf import OmegaConf

from analysis.data.study_names import has_archive, report_of, runs_of, study_names
from benchmarks import provenance
from benchmarks.compose import compose
from benchmarks.core.records import RunMeta, decode
from benchmarks.core.space import nearest
from benchmarks.settings import ConfigError

CONF = provenance.ROOT / "conf"


@dataclass(frozen=True)
class StudyTask:
    """A task of a study, as it is built."""

    name: str
    settings: Mapping[str, Any]
    """settings of group ``task``, composed"""
    allow: Sequence[str] = ()
    """packages that its ``_target_`` may name besides ``methods`` and ``tasks``"""


@dataclass
class StudyParts:
    """What a study consists of."""

    tasks: list[StudyTask] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    """names, without overridden options"""
    problems: list[str] = field(default_factory=list)
    """one line for each task whose settings are not known"""


def parts_of(study: str, runs: Path | None = None) -> StudyParts:
    """Return the methods of a study and its tasks that replay a table.

    They are taken from the first of: the runs below ``runs``, if it is given; the experiment of
    this name in ``conf/experiment``; the runs of the study; its archive.

    Args:
        study: name of the study.
        runs: folder of its runs; None for the default.

    Raises:
        ConfigError: there is none of them.
    """
    if runs is not None:
        return _from_runs(runs)
    experiments = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    if study in experiments:
        return _from_plan(study)
    if any(runs_of(study).rglob("meta.json")):
        return _from_runs(runs_of(study))
    if has_archive(study):
        return _from_archive(study)
    known = sorted({*experiments, *study_names()})
    raise ConfigError(
        f"study={study}: no runs in {runs_of(study)}, no archive in {report_of(study)}, and no "
        f"experiment of this name{nearest(study, known)} (allowed: {', '.join(known)})"
    )


def _from_plan(experiment: str) -> StudyParts:
    with hydra.initialize_config_module("conf", version_base="1.3"):
        config = hydra.compose("config", [f"experiment={experiment}"], return_hydra_config=True)

    def swept(group: str) -> list[str]:
        values = OmegaConf.select(config, f"hydra.sweeper.params.{group}") or config[group].name
        return [name.strip() for name in str(values).split(",")]

    tasks = [StudyTask(name, compose("config", [f"task={name}"])["task"]) for name in swept("task")]
    return StudyParts(tasks, set(swept("method")))


def _from_runs(folder: Path) -> StudyParts:
    parts = StudyParts()
    # a task may have been run with other settings before: what most runs have is its setting
    settings: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted(folder.rglob("meta.json")):
        try:
            meta = decode(path.read_bytes(), RunMeta)
        except ValueError:  # the report says so
            continue
        parts.methods.add(path.parent.parent.name.partition(",")[0])
        if meta.get("key", {}).get("identity.table"):
            task, allow = meta["settings"]["task"], meta["settings"].get("allow", [])
            settings[meta["task"]][json.dumps([task, allow])] += 1
    if not parts.methods:
        raise ConfigError(f"no runs below {folder}")
    for name, counted in sorted(settings.items()):
        task, allow = json.loads(counted.most_common(1)[0][0])
        parts.tasks.append(StudyTask(name, task, allow))
    return parts


def _from_archive(study: str) -> StudyParts:
    from analysis.data.archive import read_archive  # pandas is slow to import

    _, runs = read_archive(report_of(study))
    parts = StudyParts(methods={run.method.partition(",")[0] for run in runs})
    replays = {run.task: run.version for run in runs if run.version.get("identity.table")}
    for name, version in sorted(replays.items()):
        if not (CONF / "task" / f"{name}.yaml").exists():
            parts.problems.append(
                f"task={name}: its runs are not here, and there is no conf/task/{name}.yaml"
            )
            continue
        settings = compose("config", [f"task={name}"])["task"]
        archived = {key: version[f"task.{key}"] for key in settings if f"task.{key}" in version}
        parts.tasks.append(StudyTask(name, settings | archived))
    return parts
