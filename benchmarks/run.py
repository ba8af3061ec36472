"""Run one tuning method on one task: ``python -m benchmarks.run method=fabolas task=svm_mnist``."""

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
from benchmarks.core.protocols import Method, Task
from benchmarks.engines.isolated_task import build_evaluated
from benchmarks.engines.select import build_engine, engine_of
from benchmarks.help_text import run_help
from benchmarks.lock import LockedError
from benchmarks.runner import loop
from benchmarks.runner.budget import Budget
from benchmarks.runner.progress import Reporter, closing_table
from benchmarks.runner.run_folder import KeyMismatchError, RunFolder, key_of, path_of
from benchmarks.runner.trace import DamagedError
from benchmarks.settings import (
    ConfigError,
    build_method,
    check_settings,
    friendly,
    options_at_default,
)

USAGE_ERROR, RUN_FAILED, INTERRUPTED = 2, 1, 130
# Runs of a sweep may be in other processes (Hydra's launchers), so outcomes go through a file.
OUTCOMES = "UNTUNABLE_OUTCOMES"


def run(settings: Mapping[str, Any], path: Path) -> str:
    """Start or resume the run that ``settings`` describe in folder ``path``.

    Returns:
        ``finished`` or ``failed`` (the traceback is in the folder's ``error.txt``).

    Raises:
        ConfigError: a user's mistake in the settings, or the folder holds another run.
    """
    check_settings(settings)
    try:
        budget = Budget(**settings["budget"])
        task = build_evaluated(settings)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    try:
        try:
            budget.cost_limit(task.target_cost)
            budget.check_nominal(task.fidelities)
            engine_of(settings, task)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        method = build_method(settings["method"], settings["allow"], task.space, task.fidelities)
        # More threads than one slow small matrices down, and change last bits between machines.
        # Only libraries that are loaded are limited: the method's are, by now.
        with RunFolder(path) as folder, threadpool_limits(settings["threads"]):
            return _run_in(folder, settings, budget, method, task)
    except (LockedError, KeyMismatchError) as error:
        raise ConfigError(str(error)) from error
    except DamagedError as error:
        raise ConfigError(f"{error}; resume=false throws away what is there") from error
    except OSError as error:  # of the disk, before or after the trials
        print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        return "failed"
    finally:
        task.close()


def _run_in(
    folder: RunFolder, settings: Mapping[str, Any], budget: Budget, method: Method, task: Task
) -> str:
    key = key_of(settings, method, task)
    at_default = [
        f"{group}.{name}"
        for group in ("method", "task")
        for name in options_at_default(settings[group], settings["allow"])
    ]
    if not settings["resume"]:
        folder.clear()
    folder.check_key(key, at_default)
    meta = folder.meta()
    names = (settings["method"]["name"], settings["task"]["name"])
    title = f"{names[0]} on {names[1]}, seed {settings['seed']}"
    if meta.get("status") == "finished":
        print(f"{title}: finished before, nothing to do (resume=false runs it again)")
        _close(folder, meta, settings["plot"])
        return "finished"
    state = loop.resume(folder.trace, task.loss_floor)
    meta = {**_meta(settings, key, method, task), "at_default": at_default, "status": "running"}
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
            Reporter(title, budget.trials, task.best_loss, done) as reporter,
            closing(build_engine(settings, task, state.now)) as engine,
        ):
            stopped_by = loop.run(
                method, task, budget, settings["seed"], writer, state, reporter.show, engine
            )
    except ConfigError as error:  # no workers can be had
        folder.write_meta({**meta, "status": "failed", "error": str(error)})
        raise
    except Exception as error:  # of a method, or of the disk: kept beside the trace, sweep goes on
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
    _close(folder, meta, settings["plot"])
    return "finished"


def _keep_error(folder: RunFolder, meta: Mapping[str, Any], problem: str) -> str | None:
    """Write down the exception being handled; why that could not be done, or None."""
    try:
        (folder.path / "error.txt").write_text(traceback.format_exc())
        folder.write_meta({**meta, "status": "failed", "error": problem})
    except OSError as error:  # the disk is full; the trace is whole, and its run can be resumed
        return f"and error.txt could not be written: {error.strerror}"
    return None


def _meta(
    settings: Mapping[str, Any], key: Mapping[str, Any], method: Method, task: Task
) -> dict[str, Any]:
    return {
        "method": settings["method"]["name"],
        "task": settings["task"]["name"],
        "seed": settings["seed"],
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
        "settings": dict(settings),
    }


def _close(folder: RunFolder, meta: Mapping[str, Any], plot: bool) -> None:
    rows = folder.trace.load()
    picture = None
    if plot:
        from analysis.figures.run_plot import plot_run  # matplotlib is slow to import

        picture = plot_run(folder.path)
    closing_table(rows, meta, folder.path, picture)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def _job(config: DictConfig) -> None:
    settings = OmegaConf.to_container(config, resolve=True)
    assert isinstance(settings, dict)
    plain = {str(k): v for k, v in settings.items()}
    outcome: dict[str, Any] = {"study": None}
    if plain["summary"]:
        outcome["study"] = str(Path(plain["results"]) / str(plain["study"]))
    try:
        path = path_of(plain, list(HydraConfig.get().overrides.task))
        outcome |= {"status": run(plain, path), "message": str(path)}
    except ConfigError as error:  # not raised through Hydra, which would print more than a line
        outcome |= {"status": "refused", "message": str(error)}
    with open(os.environ[OUTCOMES], "a") as file:
        file.write(json.dumps(outcome) + "\n")


def _guarded(job: Callable[[], Any]) -> int:
    """Run the Hydra app; a user's mistake is one line and exit code 2."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, instead of printing a traceback of its own
    try:
        job()
    except (ConfigError, HydraException, OmegaConfBaseException) as error:
        print(f"error: {friendly(error, sys.argv[1:])}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return 0


def _flags_first(arguments: Sequence[str]) -> list[str]:
    """Put ``-m`` first: Hydra's parser does not find it between settings."""
    multirun = [argument for argument in arguments if argument in ("-m", "--multirun")]
    return [*multirun[:1], *(argument for argument in arguments if argument not in multirun)]


def main() -> int:
    """Command line; returns 0, 1 (a run failed), 2 (a mistake in the command) or 130 (Ctrl-C)."""
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
