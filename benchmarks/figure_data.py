"""Writes what figures need besides traces: ``python -m benchmarks.figure_data experiment=NAME``.

Into ``results/NAME/data/``: maps of loss and cost of every recorded task of the experiment that has
two hyperparameters (``maps_<task>.csv``), and the toy of what a multi-task model learns
(``multitask_toy.csv``, ``multitask_toy_points.csv``). ``python -m analysis.report`` reads them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from benchmarks import provenance
from benchmarks.core.space import nearest
from benchmarks.maps import can_map, write_maps
from benchmarks.multitask_toy import write_multitask_toy
from benchmarks.settings import ConfigError, build_task, compose
from tasks.recorded import RecordedTask

EXPERIMENTS = provenance.ROOT / "conf" / "experiment"


def tasks_of(experiment: str) -> list[str]:
    """Names of the tasks that an experiment of ``conf/experiment`` sweeps over.

    Raises:
        ConfigError: there is no such experiment.
    """
    path = EXPERIMENTS / f"{experiment}.yaml"
    if not path.exists():
        known = sorted(path.stem for path in EXPERIMENTS.glob("*.yaml"))
        raise ConfigError(
            f"experiment={experiment}: allowed are {', '.join(known)}{nearest(experiment, known)}"
        )
    swept = str(OmegaConf.select(OmegaConf.load(path), "hydra.sweeper.params.task"))
    return [name.strip() for name in swept.split(",")]


def write_figure_data(experiment: str, folder: Path) -> list[Path]:
    """Write all files of an experiment into a folder; returns their paths."""
    names = tasks_of(experiment)
    folder.mkdir(parents=True, exist_ok=True)
    paths = write_multitask_toy(folder)
    for name in names:
        task = build_task(compose("config", [f"task={name}"])["task"], [])
        try:
            if isinstance(task, RecordedTask) and can_map(task):
                paths.append(write_maps(task, folder / f"maps_{name}.csv"))
        finally:
            task.close()
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = dict(argument.partition("=")[::2] for argument in given)
    try:
        for word in words:
            if word not in ("experiment", "out"):
                raise ConfigError(f"unknown key {word}{nearest(word, ('experiment', 'out'))}")
        if "experiment" not in words:
            raise ConfigError("experiment=NAME is missing")
        experiment = words["experiment"]
        folder = Path(words.get("out") or Path("results") / experiment / "data")
        for path in write_figure_data(experiment, folder):
            print(f"wrote {path}")
    except (ConfigError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
