"""Which engine a run has: ``workers`` of the settings."""

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
    """The name of the engine: the one asked for or, by default, ``virtual`` for one worker and for
    what is replayed or computed, ``local`` for several that train.

    Raises:
        ConfigError: a setting of ``workers`` outside what is allowed, or Dask is not installed.
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
            f"workers.overhead={overhead}: allowed are seconds, 0 or more, and measured"
        )
    if workers["address"] is not None and name != "dask":
        raise ConfigError("workers.address is that of a Dask scheduler: set workers.engine=dask")
    if name == "dask" and find_spec("distributed") is None:
        raise ConfigError("workers.engine=dask needs a package: pip install -e '.[parallel]'")
    if name is None:
        name = "virtual" if n == 1 or task.reproducible else "local"
    # Workers would use separate folders and could not continue each other's trainings.
    if name != "virtual" and task.private_checkpoints:
        raise ConfigError(
            "task.resume_training=true with workers needs a folder that all of them see: "
            "task.checkpoint_dir=FOLDER"
        )
    return str(name)


def build_engine(settings: Mapping[str, Any], task: Task, now: float) -> Engine:
    """Start the engine of a run.

    Args:
        settings: of the run.
        task: as described by them.
        now: where the run's clock stands, seconds.

    Raises:
        ConfigError: a setting of ``workers`` outside what is allowed, or no workers can be had.
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
