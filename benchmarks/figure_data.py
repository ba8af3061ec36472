"""Write what figures need besides runs: ``python -m benchmarks.figure_data study=NAME``.

It writes to ``results/NAME/data/``, where ``python -m analysis.report`` reads:

- for a study with a multi-task or multi-fidelity model, the illustration of such a model
  (``multitask_toy.csv``, ``multitask_toy_points.csv``);
- for each recorded task with two numeric hyperparameters, maps of loss and cost
  (``maps_<task>.csv``);
- for each recorded task, the true losses of random configs, to ``results/random_configs`` (all
  studies share them);
- for each recorded Cars task, the recorded errors of the baseline and the best config
  (``recorded_<task>.csv``), and their predictions for the test photos (``predictions_<task>.csv``,
  ``classes_<task>.csv``). To predict, both are trained now, which needs
  ``pip install -e '.[cars]'`` and the data;
- the table that each file was made from (``sources.csv``).

With ``photos=FILE`` (or a folder, as ``task.data_dir``), it also writes the photos that a report
shows to ``results/runs/.photos/NAME/``. Git ignores that folder, as we may not publish them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from analysis.data.study_names import photos_of, report_of, study_of
from analysis.options import STUDY, Command, Option, asks_for_help, refuse
from benchmarks.components import HOURS, build_task
from benchmarks.core.protocols import Task
from benchmarks.illustrations import cars_case_study as case_study
from benchmarks.illustrations.multitask_toy import write_multitask_toy
from benchmarks.illustrations.random_configs import write_random_configs
from benchmarks.settings import ConfigError
from benchmarks.study_tasks import StudyTask, parts_of
from tasks.cars.live import Cars
from tasks.cars.photos import load_photos
from tasks.datasets import data_folder
from tasks.replay import table as tables
from tasks.replay.curves import CURVES, RecordedCurves
from tasks.replay.evaluations import RecordedTask
from tasks.replay.maps import can_map, write_maps

COMMAND = Command(
    name="figure_data",
    module="benchmarks.figure_data",
    purpose=(
        "Write what figures of a report need besides runs: maps of recorded tasks with two\n"
        "hyperparameters, errors of the Cars networks, and the illustration of multi-task models."
    ),
    usage="study=NAME [KEY=VALUE ...]",
    options=(
        *STUDY,
        Option(
            "runs", "FOLDER", "take the tasks from the runs below this folder",
            "conf/experiment/NAME.yaml, the runs in results/runs/NAME, or the archive",
        ),
        Option("out", "FOLDER", "write to this folder", "results/NAME/data, where report reads"),
        Option(
            "data_dir", "FOLDER", "data of the Cars tasks, to predict their test photos",
            "the environment variable UNTUNABLE_DATA, or ~/.cache/untunable",
        ),
        Option("photos", "FILE", "photos of Stanford Cars: also write those that a report shows"),
    ),
    examples=("study=svm_paper", "study=cars_talk data_dir=data photos=data/stanford_cars"),
)  # fmt: skip
MAP_SIZE = 41
"""grid points along each axis: two per unit of the SVMs' search space"""


class Data(NamedTuple):
    """Paths of the data of the Cars tasks."""

    folder: str | None = None
    """data folder, as ``task.data_dir``; None for the default"""
    photos: str | None = None
    """file or folder of photos, to write those that a report shows; None writes none"""
    shown: Path | None = None
    """folder to write these photos to"""


@dataclass
class Written:
    """Files that were written, and problems: one line for each task with files missing."""

    paths: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    """file name -> SHA-256 of the table that the file was made from"""

    def add(self, path: Path, source: str) -> None:
        """Add a file, made from the table with SHA-256 ``source``."""
        self.paths.append(path)
        self.sources[path.name] = source


def write_figure_data(study: str, folder: Path, data: Data, runs: Path | None = None) -> Written:
    """Write all files of a study to a folder, which is created if it does not exist.

    A task without its table, or whose training cannot run here, becomes a problem in one line; the
    files of the other tasks are written.

    Args:
        study: name of the study.
        folder: the destination.
        data: paths of the data of the Cars tasks.
        runs: folder with the runs of the study; None for the default.

    Raises:
        ConfigError: there is no such study.
    """
    from analysis.figures.multitask_toy import models_several_tasks  # pandas is slow to import

    parts = parts_of(study, runs)
    written = Written(problems=list(parts.problems))
    folder.mkdir(parents=True, exist_ok=True)
    if any(models_several_tasks(method) for method in parts.methods):
        written.paths += write_multitask_toy(folder)
    curves: set[str] = set()  # tables already done: several tasks may replay the same
    for each in parts.tasks:
        try:
            with closing(_build(each)) as task:
                source = str(task.identity.get("table"))
                written.paths += _random_configs(each.name, task)
                if isinstance(task, RecordedTask) and can_map(task):
                    maps = write_maps(task, folder / f"maps_{each.name}.csv", size=MAP_SIZE)
                    written.add(maps, source)
                elif _is_case(each.name, task) and source not in curves:
                    curves.add(source)
                    _case_study(written, each, folder, data, source)
        except ValueError as error:
            written.problems.append(str(error))
    if written.sources:
        _write_sources(written, folder / "sources.csv")
    return written


def _random_configs(name: str, task: Task) -> list[Path]:
    """Write the losses of random configs, unless those of this table and surrogate are there."""
    from analysis.data.random_configs import FOLDER, read_random_configs

    table, surrogate = (str(task.identity.get(key) or "none") for key in ("table", "surrogate"))
    try:
        read_random_configs(name, table, surrogate)
    except ValueError:
        return write_random_configs(name, task, FOLDER)
    return []


def _build(each: StudyTask) -> Task:
    try:
        # the data of figures are those of the table, at its own costs
        return build_task({**each.settings, HOURS: None}, each.allow)
    except ValueError:
        raise
    except Exception as error:  # a class from outside this repository may raise anything
        problem = f"task={each.name}: {type(error).__name__}: {error}"
        raise ConfigError(" ".join(problem.split())) from error


def _is_case(name: str, task: Task) -> bool:
    """Return True for a task of the case study, which a report shows for Cars tasks only."""
    return isinstance(task, RecordedCurves) and bool(task.baseline) and "cars" in name


def _case_study(written: Written, each: StudyTask, folder: Path, data: Data, source: str) -> None:
    name, table = each.name, each.settings["table"]
    baseline = each.settings["baseline"]
    recorded = folder / f"recorded_{name}.csv"
    written.add(case_study.write_recorded(table, baseline, recorded), source)
    loaded = tables.read(tables.path_of(table), CURVES)
    configs = case_study.baseline_and_tuned(loaded, baseline)
    live = {**each.settings, "source": "live", "data_dir": data.folder}
    photos = None if data.photos is None else load_photos(data.photos)
    predictions = folder / f"predictions_{name}.csv"
    with closing(_build(StudyTask(name, live, each.allow))) as task:
        if not isinstance(task, Cars):
            raise ConfigError(f"task={name}: is no network that predicts photos of cars")
        named = photos or case_study.photos_if_any(data.folder)
        written.add(case_study.write_predictions(task, configs, predictions, named), source)
    classes = case_study.class_names(data_folder(data.folder))
    written.add(case_study.write_classes(classes, folder / f"classes_{name}.csv"), source)
    if photos is not None and data.shown is not None:
        written.paths += case_study.write_photos(photos, predictions, data.shown)


def _write_sources(written: Written, path: Path) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "table"), *sorted(written.sources.items())])
    written.paths.append(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: ``KEY=VALUE`` each; None takes those of the process.

    Returns:
        The exit code: 0, 1 (some files could not be written) or 2 (a mistake in the command).
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if asks_for_help(words):
        print(COMMAND.help(), end="")
        return 0
    try:
        values = COMMAND.parse(words)
        study = study_of(values)
        folder = Path(values.get("out", report_of(study) / "data"))
        runs = Path(values["runs"]) if "runs" in values else None
        data = Data(values.get("data_dir"), values.get("photos"), photos_of(study))
        written = write_figure_data(study, folder, data, runs)
    except (ValueError, OSError) as error:
        return refuse(error)
    for path in written.paths:
        print(f"written: {path}")
    for problem in written.problems:
        print(f"not written: {problem}", file=sys.stderr)
    if not written.paths and not written.problems:
        print(f"nothing to write: no figure of {study} needs more than its runs")
    return 1 if written.problems else 0


if __name__ == "__main__":
    sys.exit(main())
