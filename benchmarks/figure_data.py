"""Write the data of figures besides traces: ``python -m benchmarks.figure_data experiment=NAME``.

It writes to ``results/NAME/data/``, where ``python -m analysis.report`` reads:

- the illustration of a multi-task model (``multitask_toy.csv``, ``multitask_toy_points.csv``);
- for each recorded task with two hyperparameters, maps of loss and cost (``maps_<task>.csv``);
- for each recorded Cars task, the recorded errors of the baseline and the best config
  (``recorded_<task>.csv``), and their predictions for the test photos (``predictions_<task>.csv``,
  ``classes_<task>.csv``). To predict, both are trained now, which needs
  ``pip install -e '.[cars]'`` and the data: set ``data_dir=FOLDER`` or the environment variable
  ``UNTUNABLE_DATA``;
- the table that each file was made from (``sources.csv``).

With ``photos=FILE`` (or a folder, as ``task.data_dir``), it also writes the photos that a report
shows to ``results/runs/.photos/NAME/``. Git ignores that folder, as we may not publish them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from omegaconf import OmegaConf

from benchmarks import provenance
from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.core.space import nearest
from benchmarks.illustrations import cars_case_study as case_study
from benchmarks.illustrations.multitask_toy import write_multitask_toy
from benchmarks.settings import ConfigError
from tasks.cars.live import Cars
from tasks.cars.photos import load_photos
from tasks.datasets import data_folder
from tasks.replay import table as tables
from tasks.replay.curves import CURVES, RecordedCurves
from tasks.replay.evaluations import RecordedTask
from tasks.replay.maps import can_map, write_maps

EXPERIMENTS = provenance.ROOT / "conf" / "experiment"
KEYS = ("experiment", "out", "data_dir", "photos")
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


def tasks_of(experiment: str) -> list[str]:
    """Return the names of the tasks that an experiment of ``conf/experiment`` sweeps over.

    Raises:
        ConfigError: there is no such experiment.
    """
    allowed = sorted(path.stem for path in EXPERIMENTS.glob("*.yaml"))
    if experiment not in allowed:
        hint = nearest(experiment, allowed)
        raise ConfigError(f"experiment={experiment}: allowed are {', '.join(allowed)}{hint}")
    with hydra.initialize_config_module("conf", version_base="1.3"):
        config = hydra.compose("config", [f"experiment={experiment}"], return_hydra_config=True)
    swept = str(OmegaConf.select(config, "hydra.sweeper.params.task"))
    return [name.strip() for name in swept.split(",")]


def write_figure_data(experiment: str, folder: Path, data: Data) -> Written:
    """Write all files of an experiment to a folder, which is created if it does not exist.

    A task without its table, or whose training cannot run here, becomes a problem in one line; the
    files of the other tasks are written.

    Raises:
        ConfigError: there is no such experiment.
    """
    names = tasks_of(experiment)
    folder.mkdir(parents=True, exist_ok=True)
    written = Written(write_multitask_toy(folder))
    curves: set[str] = set()  # tables already done: several tasks may replay the same
    for name in names:
        settings = compose("config", [f"task={name}"])["task"]
        try:
            with closing(build_task(settings, [])) as task:
                source = str(task.identity.get("table"))
                if isinstance(task, RecordedTask) and can_map(task):
                    written.add(
                        write_maps(task, folder / f"maps_{name}.csv", size=MAP_SIZE), source
                    )
                elif isinstance(task, RecordedCurves) and task.baseline and source not in curves:
                    curves.add(source)
                    _case_study(written, settings, folder, data, source)
        except ValueError as error:
            written.problems.append(str(error))
    _write_sources(written, folder / "sources.csv")
    return written


def _case_study(
    written: Written, settings: Mapping[str, Any], folder: Path, data: Data, source: str
) -> None:
    name, table = settings["name"], settings["table"]
    recorded = folder / f"recorded_{name}.csv"
    written.add(case_study.write_recorded(table, settings["baseline"], recorded), source)
    loaded = tables.read(tables.path_of(table), CURVES)
    configs = case_study.baseline_and_tuned(loaded, settings["baseline"])
    live = {**settings, "source": "live", "data_dir": data.folder}
    photos = None if data.photos is None else load_photos(data.photos)
    predictions = folder / f"predictions_{name}.csv"
    with closing(build_task(live, [])) as task:
        assert isinstance(task, Cars)
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
        arguments: ``key=value`` each; None takes those of the process.

    Returns:
        The exit code: 0, 1 (some files could not be written) or 2 (a mistake in the command).
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = dict(argument.partition("=")[::2] for argument in arguments)
    try:
        for key in options:
            if key not in KEYS:
                raise ConfigError(f"unknown key {key}{nearest(key, KEYS)}")
        if "experiment" not in options:
            raise ConfigError("experiment=NAME is missing")
        experiment = options["experiment"]
        folder = Path(options.get("out") or Path("results") / experiment / "data")
        shown = Path("results") / "runs" / ".photos" / experiment
        data = Data(options.get("data_dir"), options.get("photos"), shown)
        written = write_figure_data(experiment, folder, data)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for path in written.paths:
        print(f"wrote {path}")
    for problem in written.problems:
        print(f"not written: {problem}", file=sys.stderr)
    return 1 if written.problems else 0


if __name__ == "__main__":
    sys.exit(main())
