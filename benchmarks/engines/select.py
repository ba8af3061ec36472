"""Select and build the engine of a run from the ``workers`` settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from benchmarks.core.protocols import Task
from benchmarks.core.space import nearest
from benchmarks.engines.base import Engine
from benchmarks.engines.isolated_task import build_evaluated
from benchmarks.engines.virtual import Virtual
from benchmarks.settings import ConfigError

ENGINES = ("virtual", "local", "dask")


def engine_of(settings: Mapping[str, Any], task: Task) -> str:
    """Check the ``workers`` settings and return the name of the engine.

    The default is ``virtual`` for one worker and for reproducible tasks, such as replays, and
    ``local`` otherwise.

    Raises:
        ConfigError: a setting of ``workers`` is invalid, Dask is not installed, or the workers
            could not share the checkpoints of the task.
    """
    workers = settings["workers"]
    n, name, overhead = workers["n"], workers["engine"], workers["overhead"]
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ConfigError(f"workers.n={n}: must be a whole number, 1 or more")
    if name is not None and name not in ENGINES:
        hint = nearest(str(name), ENGINES)
        raise ConfigError(f"workers.engine={name}: allowed are {', '.join(ENGINES)}{hint}")
    number = isinstance(overhead, int | float) and not isinstance(overhead, bool)
    if overhead != "measured" and not (number and 0 <= overhead < math.inf):
        raise ConfigError(
            f"workers.overhead={overhead}: allowed are a number of seconds >= 0, and measured"
        )
    if workers["address"] is not None and name != "dask":
        raise ConfigError("workers.address needs the Dask engine: set workers.engine=dask")
    if name == "dask" and find_spec("distributed") is None:
        raise ConfigError(
            "workers.engine=dask: package distributed is missing: pip install -e '.[parallel]'"
        )
    if name is None:
        name = "virtual" if n == 1 or task.reproducible else "local"
    # Workers would use separate checkpoint folders and could not resume each other's trainings.
    if name != "virtual" and task.private_checkpoints:
        raise ConfigError(
            "task.resume_training=true with several workers needs a folder that all of them share: "
            "task.checkpoint_dir=FOLDER"
        )
    return str(name)


def build_engine(settings: Mapping[str, Any], task: Task, now: float) -> Engine:
    """Build the engine of a run.

    Args:
        settings: settings of the run.
        task: task built from them.
        now: reading of the run's clock, seconds.

    Raises:
        ConfigError: a setting of ``workers`` is invalid, or no Dask scheduler answers.
    """
    workers, seed = settings["workers"], settings["seed"]
    name = engine_of(settings, task)
    if name == "virtual":
        overhead = None if workers["overhead"] == "measured" else float(workers["overhead"])
        return Virtual(task, seed, workers["n"], overhead, now)
    if name == "local":
        from benchmarks.engines.local import Local

        return Local(lambda: build_evaluated(settings, isolate=True), seed, workers["n"], now)
    from benchmarks.engines.dask_cluster import Dask

    return Dask(settings, task, workers["n"], workers["address"], now)
