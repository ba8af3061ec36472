"""Run a tuning method on a task: ``python -m benchmarks.run method=fabolas task=svm_mnist``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from threadpoolctl import threadpool_limits

from benchmarks import provenance
from benchmarks.components import build_method, options_at_default
from benchmarks.compose import friendly
from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import RunMeta, checked
from benchmarks.engines.isolated_task import EvaluationSettings, build_evaluated
from benchmarks.engines.select import build_engine, engine_of
from benchmarks.help_text import run_help
from benchmarks.lock import LockedError
from benchmarks.runner import loop
from benchmarks.runner.progress import Reporter, closing_table
from benchmarks.runner.run_folder import KeyMismatchError, RunFolder, key_of, path_of
from benchmarks.runner.trace import DamagedError
from benchmarks.settings import ConfigError, RunSettings, parse_run

USAGE_ERROR, RUN_FAILED, INTERRUPTED = 2, 1, 130
# Hydra's launchers may run a sweep in other processes, so outcomes are passed through a file.
OUTCOMES = "UNTUNABLE_OUTCOMES"


def run(settings: RunSettings, path: Path) -> str:
    """Start or resume a run.

    Args:
        settings: settings of the run.
        path: folder of the run.

    Returns:
        ``finished``, or ``failed`` (the traceback is in ``error.txt`` of the folder).

    Raises:
        ConfigError: a setting is invalid; or the folder is in use, damaged, or holds another run.
    """
    budget = settings.budget
    task = build_evaluated(EvaluationSettings.of(settings))
    try:
        try:
            budget.cost_limit(task.target_cost)
            budget.check_nominal(task.fidelities)
            engine_of(settings.workers, task)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        method = build_method(settings.method, settings.allow, task.space, task.fidelities)
        # Several threads slow down small matrices and change last bits between machines. The limit
        # applies to loaded libraries only, so it is set after the method has loaded its own.
        with RunFolder(path) as folder, threadpool_limits(settings.threads):
            return _run_in(folder, settings, method, task)
    except (LockedError, KeyMismatchError) as error:
        raise ConfigError(str(error)) from error
    except DamagedError as error:
        raise ConfigError(f"{error}; delete the run and start over with resume=false") from error
    except OSError as error:  # disk errors before or after the trials
        print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        return "failed"
    finally:
        task.close()


def _run_in(folder: RunFolder, settings: RunSettings, method: Method, task: Task) -> str:
    key = key_of(settings, method, task)
    at_default = [
        f"{group}.{name}"
        for group, component in (("method", settings.method), ("task", settings.task))
        for name in options_at_default(component, settings.allow)
    ]
    if not settings.resume:
        folder.clear()
    folder.check_key(key, at_default)
    held = folder.meta()
    title = f"{settings.method.name} on {settings.task.name}, seed {settings.seed}"
    if held is not None and held.get("status") == "finished":
        print(f"{title}: finished before, nothing to do (resume=false runs it again)")
        _close(folder, held, settings.plot)
        return "finished"
    state = loop.resume(folder.trace, task.loss_floor)
    meta = _meta(settings, key, at_default, method, task)
    folder.write_meta(meta)
    folder.write_config(settings)
    (folder.path / "error.txt").unlink(missing_ok=True)
    done = len(state.history) - len(state.running)
    if len(state.history):
        again = f", {len(state.running)} of them evaluated again" if state.running else ""
        print(f"{title}: resuming after {len(state.history)} trials{again}")
    try:
        with (
            folder.trace.open() as writer,
            Reporter(title, settings.budget.trials, task.best_loss, done) as reporter,
            closing(build_engine(settings, task, state.now)) as engine,
        ):
            stopped_by = loop.run(
                method, task, settings.budget, settings.seed, writer, state, reporter.show, engine
            )
    except ConfigError as error:  # no Dask scheduler answers
        folder.write_meta({**meta, "status": "failed", "error": str(error)})
        raise
    except Exception as error:  # of the method or the disk; the sweep continues
        problem, kept = f"{type(error).__name__}: {error}", folder.path / "error.txt"
        print(f"failed: {problem} ({_keep_error(folder, meta, problem) or kept})", file=sys.stderr)
        return "failed"
    meta = {
        **meta,
        "status": "finished",
        "stopped_by": stopped_by,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": provenance.threads(),
    }
    folder.write_meta(meta)
    _close(folder, meta, settings.plot)
    return "finished"


def _keep_error(folder: RunFolder, meta: RunMeta, problem: str) -> str | None:
    """Save the exception being handled; return None, or why it could not be saved."""
    try:
        (folder.path / "error.txt").write_text(traceback.format_exc())
        folder.write_meta({**meta, "status": "failed", "error": problem})
    except OSError as error:  # disk full; the trace is complete, so the run can be resumed
        return f"and error.txt could not be written: {error.strerror}"
    return None


def _meta(
    settings: RunSettings,
    key: Mapping[str, Any],
    at_default: Sequence[str],
    method: Method,
    task: Task,
) -> RunMeta:
    facts = {
        "method": settings.method.name,
        "task": settings.task.name,
        "seed": settings.seed,
        "key": dict(key),
        "method_facts": {"reproducible": method.reproducible},
        "task_facts": {
            "best_loss": task.best_loss,
            "target_cost": task.target_cost,
            "loss_floor": task.loss_floor,
            "resolution": task.resolution,
            "caption": task.caption,
            "fidelity_low": task.fidelities.low,
            "fidelity_values": task.fidelities.values,
            "fidelity_full": task.fidelities.full,
            "fidelity_unit": task.fidelities.unit,
            "reproducible": task.reproducible,
            "hyperparameters": list(task.space.names),
        },
        **provenance.commit(),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "threads": provenance.threads(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings.plain,
        "at_default": at_default,
        "status": "running",
    }
    return checked(facts, RunMeta)


def _close(folder: RunFolder, meta: RunMeta, plot: bool) -> None:
    rows = folder.trace.load()
    picture = None
    if plot:
        from analysis.figures.run_plot import plot_run  # imports matplotlib, which is slow

        picture = plot_run(folder.path)
    closing_table(rows, meta, folder.path, picture)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def _job(config: DictConfig) -> None:
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    outcome: dict[str, Any] = {"study": None}
    try:
        settings = parse_run({str(key): value for key, value in plain.items()})
        if settings.summary:
            outcome["study"] = str(Path(settings.results) / settings.study)
        path = path_of(settings, list(HydraConfig.get().overrides.task))
        outcome |= {"status": run(settings, path), "message": str(path)}
    except ConfigError as error:  # passed on here, as Hydra would print more than one line
        outcome |= {"status": "refused", "message": str(error)}
    with open(os.environ[OUTCOMES], "a") as file:
        file.write(json.dumps(outcome) + "\n")


def _guarded(job: Callable[[], Any]) -> int:
    """Run the Hydra app and return the exit code; print a user's mistake as one line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing a traceback
    try:
        job()
    except (ConfigError, HydraException, OmegaConfBaseException) as error:
        print(f"error: {friendly(error, sys.argv[1:])}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted: run the same command again to resume", file=sys.stderr)
        return INTERRUPTED
    return 0


def _flags_first(arguments: Sequence[str]) -> list[str]:
    """Put ``-m`` first: Hydra's parser does not find it between settings."""
    multirun = [argument for argument in arguments if argument in ("-m", "--multirun")]
    return [*multirun[:1], *(argument for argument in arguments if argument not in multirun)]


def main() -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 1 (a run failed), 2 (a mistake in the command) or 130 (Ctrl-C).
    """
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(run_help(), end="")
        return 0
    sys.argv = [sys.argv[0], *_flags_first(sys.argv[1:])]
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as outcomes:
        os.environ[OUTCOMES] = outcomes.name
        code = _guarded(_job)
        ended = [json.loads(line) for line in outcomes]
    for study in dict.fromkeys(o["study"] for o in ended if o["study"] is not None):
        from analysis.data.load import load_runs
        from analysis.summary import print_summary

        unreadable: list[str] = []
        print_summary(load_runs(Path(study), unreadable), unreadable)
    for message in dict.fromkeys(o["message"] for o in ended if o["status"] == "refused"):
        print(f"error: {message}", file=sys.stderr)
        code = USAGE_ERROR
    failed = [o["message"] for o in ended if o["status"] == "failed"]
    if failed:
        print(f"{len(failed)} of {len(ended)} runs failed:", *failed, sep="\n  ", file=sys.stderr)
    return code or (RUN_FAILED if failed else 0)


if __name__ == "__main__":
    sys.exit(main())
