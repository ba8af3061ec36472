"""Select and build the engine of a run from the ``workers`` settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation
from benchmarks.engines.base import Engine
from benchmarks.engines.isolated_task import EvaluationSettings, build_evaluated
from benchmarks.engines.real_time import Serial
from benchmarks.engines.virtual import Virtual
from benchmarks.settings import ConfigError, RunSettings, Workers


def engine_of(workers: Workers, task: Task) -> str:
    """Return the name of the engine for the ``workers`` settings of a run.

    The default is ``virtual`` for reproducible tasks, such as replays; for tasks that train it is
    ``serial`` with one worker and ``local`` with several.

    Raises:
        ConfigError: an address without the Dask engine, Dask is not installed, or the workers
            could not share the checkpoints of the task.
    """
    name = workers.engine
    if workers.address is not None and name != "dask":
        raise ConfigError("workers.address needs the Dask engine: set workers.engine=dask")
    if name == "dask" and find_spec("distributed") is None:
        raise ConfigError(
            "workers.engine=dask: package distributed is missing: pip install -e '.[parallel]'"
        )
    if name is None:
        name = "virtual" if task.reproducible else "serial" if workers.n == 1 else "local"
    if name == "serial" and workers.n > 1:
        raise ConfigError(f"workers.engine=serial has one worker, not workers.n={workers.n}")
    # Workers would use separate checkpoint folders and could not resume each other's trainings.
    if name not in ("virtual", "serial") and task.private_checkpoints:
        raise ConfigError(
            "task.resume_training=true with several workers needs a folder that all of them share: "
            "task.checkpoint_dir=FOLDER"
        )
    return name


def build_engine(
    settings: RunSettings,
    task: Task,
    now: float,
    known: Mapping[int, Observation] = MappingProxyType({}),
) -> Engine:
    """Build the engine of a run.

    Args:
        settings: settings of the run.
        task: task built from them.
        now: reading of the run's clock, seconds.
        known: what trials returned, by number, that simulated workers do not evaluate again.

    Raises:
        ConfigError: the workers cannot evaluate this task, or no Dask scheduler answers.
    """
    workers, seed = settings.workers, settings.seed
    name = engine_of(workers, task)
    if name == "virtual":
        overhead = None if workers.overhead == "measured" else workers.overhead
        return Virtual(task, seed, workers.n, overhead, now, known)
    if name == "serial":
        return Serial(task, seed, now)
    evaluated = EvaluationSettings.of(settings)
    if name == "local":
        from benchmarks.engines.local import Local

        return Local(lambda: build_evaluated(evaluated, isolate=True), seed, workers.n, now)
    from benchmarks.engines.dask_cluster import Dask

    return Dask(evaluated, seed, workers.n, workers.address, now)
