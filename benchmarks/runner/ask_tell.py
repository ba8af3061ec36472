"""Ask a method for the next config, and tell it the result: for trainings that others start.

The run folder is all that is kept between two calls. Its files are those of any run, so that
reports read it, and a call that is killed loses nothing that was told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from threadpoolctl import threadpool_limits
from yaml import YAMLError  # type: ignore[import-untyped]

from benchmarks.components import build_method, build_task, options_at_default
from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import RunMeta, TrialRow
from benchmarks.core.trial import Observation
from benchmarks.engines.base import CompletedJob, Engine, Job, ignore
from benchmarks.engines.evaluate import InvalidError, checked_observation
from benchmarks.lock import LockedError
from benchmarks.runner import execute, loop
from benchmarks.runner.resumption import State, resume
from benchmarks.runner.run_folder import RunFolder, key_of
from benchmarks.settings import ConfigError, RunSettings, parse_run

PATIENCE = 60.0
"""seconds to wait for another ask or tell of the same run"""
TOLD = "told"
"""what ended a run of which all trials were told"""


class Outside(Engine):
    """Stands for workers that are not ours: there is always an idle one, and time passes by."""

    def __init__(self, now: float, busy: set[int]) -> None:
        self._now, self._busy = now, busy
        self.on_completed = ignore

    @property
    def now(self) -> float:
        return self._now

    def idle_worker(self) -> int:
        return next(n for n in range(len(self._busy) + 1) if n not in self._busy)

    def add_overhead(self, seconds: float) -> None:
        return

    def start(self, job: Job) -> None:
        self._busy.add(job.worker)

    def next_completed(self, wait: bool) -> CompletedJob | None:
        return None

    def close(self) -> None:
        return


@dataclass
class Opened:
    """A run, as it stands between two calls."""

    folder: RunFolder
    settings: RunSettings
    method: Method
    task: Task
    state: State
    meta: RunMeta
    now: float
    """seconds since the run began"""


class AskTell:
    """A run whose trainings happen elsewhere.

    Several processes may ask and tell at the same time; each call takes the lock of the folder.
    """

    def __init__(self, folder: Path, settings: RunSettings | None = None) -> None:
        """Name the run.

        Args:
            folder: folder of the run.
            settings: settings of a new run; None for one that is there.

        Raises:
            ConfigError: there is no run in the folder and no settings, or both and they differ.
        """
        self.folder = folder
        there = (folder / "config.yaml").is_file()
        if settings is None and not there:
            raise ConfigError(
                f"{folder}: no run here; to begin one, name its method and task: "
                "untunable ask RUN method=fabolas task=..."
            )
        self._settings = settings or _stored(folder / "config.yaml")

    def ask(self) -> dict[str, Any] | None:
        """Return the next evaluation, and record it as running; None to wait for a result.

        Returns:
            ``trial`` (its number), ``config``, ``fidelity`` (share of a full training) and
            ``native`` (the same in the unit of the task).

        Raises:
            ConfigError: the settings are not valid, or another process holds the folder for long.
        """
        with self._opened() as run, run.folder.trace.open() as writer:
            engine = Outside(run.now, {job.worker for job in run.state.running})
            job = loop.ask(run.method, run.task, run.settings.seed, run.state, engine)
            if job is None:
                return None
            writer.start(job.row())
        return {
            "trial": job.number,
            "config": dict(job.suggestion.config),
            "fidelity": job.suggestion.fidelity,
            "native": run.task.fidelities.native(job.suggestion.fidelity),
        }

    def tell(
        self,
        trial: int,
        loss: float = float("nan"),
        cost: float | None = None,
        status: str = "ok",
        test_loss: float | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> TrialRow:
        """Record the result of a trial that was asked for.

        Args:
            trial: its number.
            loss: what it returned (of a task with ``maximise``, the value).
            cost: seconds to charge; None charges the wall time since it was asked for.
            status: ``ok``, ``failed``, ``timeout`` or ``diverged``.
            test_loss: no method sees it.
            info: anything that belongs into the trace.

        Returns:
            The row of the trace.

        Raises:
            ConfigError: no such trial is running, or a value is not valid.
        """
        with self._opened() as run, run.folder.trace.open() as writer:
            job = next((job for job in run.state.running if job.number == trial), None)
            if job is None:
                raise ConfigError(_not_running(trial, run.state))
            seconds = max(run.now - job.start, 0.0) if cost is None else cost
            try:
                seen = checked_observation(
                    Observation(loss, seconds, status, test_loss, dict(info or {})),  # type: ignore[arg-type]
                    run.task.maximise,
                )
            except InvalidError as error:
                message = str(error).replace("the task returned", "you told")
                raise ConfigError(f"trial {trial}: {message}") from error
            completed = CompletedJob(job, seen, max(run.now, job.start))
            writer.end(completed.row(len(run.state.history)))
            row = loop.end(completed, run.method, run.task, run.settings.seed, run.state)
            writer.append(row)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            done: RunMeta = {**run.meta, "status": "finished", "stopped_by": TOLD, "finished": now}
            run.folder.write_meta(done)
        return row

    @contextmanager
    def _opened(self) -> Iterator[Opened]:
        settings = self._settings
        task = build_task(settings.task, settings.allow)
        try:
            method = build_method(settings.method, settings.allow, task.space, task.fidelities)
            with _locked(self.folder) as folder, threadpool_limits(settings.threads):
                yield _open(folder, settings, method, task)
        finally:
            task.close()


def _stored(path: Path) -> RunSettings:
    """Read the settings of a run that is there.

    Raises:
        ConfigError: the file does not hold any.
    """
    try:
        plain = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (OSError, ValueError, YAMLError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    assert isinstance(plain, dict)
    return parse_run({str(name): value for name, value in plain.items()})


def _open(folder: RunFolder, settings: RunSettings, method: Method, task: Task) -> Opened:
    """Read the state of a run; write the files of a new one, and finish what a killed call left."""
    key = key_of(settings, method, task)
    at_default = [
        f"{group}.{name}"
        for group, component in (("method", settings.method), ("task", settings.task))
        for name in options_at_default(component, settings.allow)
    ]
    try:
        folder.check_key(key, at_default)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    meta = folder.meta()
    if meta is None:
        meta = execute.metadata_of(settings, key, at_default, method, task, None)
        folder.write_meta(meta)
        folder.write_config(settings)
    state = resume(folder.trace, task)
    with folder.trace.open() as writer:
        for completed in state.pending:
            writer.append(loop.end(completed, method, task, settings.seed, state))
            state.ended += 1
        state.pending = ()
        engine = Outside(state.now, {job.worker for job in state.running})
        for job in loop.ask_again(method, task, settings.seed, state, engine):
            writer.start(job.row())
            state.running = [*state.running, job]
    begun = datetime.fromisoformat(meta.get("started", datetime.now(UTC).isoformat()))
    now = max((datetime.now(UTC) - begun).total_seconds(), state.now)
    return Opened(folder, settings, method, task, state, meta, now)


@contextmanager
def _locked(path: Path) -> Iterator[RunFolder]:
    """Hold the folder of a run; wait for another ask or tell to end.

    Raises:
        ConfigError: it does not end.
    """
    until = time.monotonic() + PATIENCE
    folder = RunFolder(path)
    while True:
        try:
            folder.__enter__()
            break
        except LockedError as error:
            if time.monotonic() > until:
                raise ConfigError(str(error)) from error
            time.sleep(0.05)
    try:
        yield folder
    finally:
        folder.__exit__(None, None, None)


def _not_running(trial: int, state: State) -> str:
    numbers = [job.number for job in state.running]
    ended = any(t.number == trial and t.status != "running" for t in state.history)
    there = ", ".join(map(str, numbers)) or "none"
    what = "has been told before" if ended else "was never asked for"
    return f"trial {trial} {what} (running: {there})"
