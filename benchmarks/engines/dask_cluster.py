"""Workers of a Dask cluster: one started on this machine, or that of a scheduler's address."""

from __future__ import annotations

import json
import logging
import multiprocessing
import queue
import signal
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import dask
from distributed import CancelledError, Client, Future, KilledWorker, LocalCluster, get_worker
from threadpoolctl import threadpool_limits

from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation
from benchmarks.engines.base import CompletedJob, Job, RealTime
from benchmarks.engines.evaluate import failed
from benchmarks.engines.isolated_task import build_evaluated
from benchmarks.settings import ConfigError
from tasks.subprocess_worker import THREAD_VARIABLES

LOOK = 1.0
"""seconds between looks at the scheduler while nothing ends"""
CONNECT = 20.0
"""seconds within which a scheduler must answer"""
_thread = threading.local()


class SchedulerError(RuntimeError):
    """The scheduler is gone; what ended before is in the trace."""


class Dask(RealTime):
    """``n`` trials at once on a Dask cluster, on the real clock.

    A worker's number in the trace is that of a place among the ``n``; Dask chooses the machine.
    Dask starts the trial of a worker that died again, elsewhere, up to
    ``distributed.scheduler.allowed-failures`` times; then it is ``failed``.
    """

    def __init__(
        self, settings: Mapping[str, Any], task: Task, n: int, address: str | None, now: float
    ) -> None:
        """Connect, or start a cluster of ``n`` worker processes.

        Args:
            settings: of the run; workers build its task from them.
            task: the run's, for what a lost trial is charged.
            n: number of trials at once.
            address: of a scheduler; None starts a cluster on this machine.
            now: where the run's clock stands, seconds.

        Raises:
            ConfigError: no scheduler answers.
        """
        described = {name: settings[name] for name in ("task", "allow", "time_limit", "threads")}
        self._described = json.dumps(described, default=str)
        self._seed, self._task = settings["seed"], task
        self._open = ExitStack()
        self._address = address
        if address is None:
            environment = dict.fromkeys(THREAD_VARIABLES, settings["threads"])
            preload = [*dask.config.get("distributed.worker.preload"), __name__]
            own = {
                "distributed.nanny.pre-spawn-environ": environment,
                "distributed.worker.preload": preload,
            }
            self._open.enter_context(dask.config.set(own))
            cluster = LocalCluster(
                n_workers=n,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # any port: several runs may be under way
                memory_limit=None,  # a share of the memory each would kill trials that need more
                silence_logs="CRITICAL",
            )
            address = self._open.enter_context(cluster).scheduler_address
        try:
            self._client = self._open.enter_context(Client(address, timeout=CONNECT))
        except (OSError, ValueError) as error:
            self._open.close()
            raise ConfigError(f"workers.address={address}: no Dask scheduler answers") from error
        # it would tell in many lines what ``SchedulerError`` says in one
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        super().__init__(n, now)
        self._running: dict[Future[Any], Job] = {}  # Dask forgets a future that nobody holds
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def start(self, job: Job) -> None:
        self._idle.remove(job.worker)
        job = replace(job, start=self.now)
        # not pure: evaluated again in a run that was resumed
        future = self._client.submit(evaluate_job, self._described, job, self._seed, pure=False)
        self._running[future] = job
        future.add_done_callback(self._ended.put)

    def next_completed(self, wait: bool) -> CompletedJob | None:
        future = None
        while self._running and future is None:
            try:
                future = self._ended.get(block=wait, timeout=LOOK)
            except queue.Empty:
                self._check_scheduler()
                if not wait:
                    break
        if future is None:
            return None
        job = self._running.pop(future)
        self._idle.add(job.worker)
        return CompletedJob(job, self._observation(future, job), self.now)

    def close(self) -> None:
        self._open.close()

    def _observation(self, future: Future[Any], job: Job) -> Observation:
        try:
            observation = future.result()
            if isinstance(observation, Observation):
                return observation
            problem = f"a worker returned {type(observation).__name__}, not an Observation"
        except CancelledError as error:  # by us nothing is
            raise SchedulerError(self._lost()) from error
        except KilledWorker as error:
            problem = f"its workers died: {error}"
        except Exception as error:  # in the worker, outside the task: it could not be built, say
            if isinstance(error, OSError) and future.status != "error":
                # not the worker's: the connection broke while a result was fetched
                raise SchedulerError(self._lost()) from error
            last_line = str(error).strip().rpartition("\n")[2]  # Dask's own may hold a traceback
            problem = f"{type(error).__name__}: {last_line}"
        return failed(self._task, job.suggestion, problem, self.now - job.start)

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise SchedulerError(self._lost())

    def _lost(self) -> str:
        return f"the Dask scheduler{f' at {self._address}' if self._address else ''} is gone"


def dask_setup(worker: object) -> None:
    """What Dask calls in each worker of a cluster of our own: Ctrl-C is the driver's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def evaluate_job(described: str, job: Job, seed: int) -> Observation:
    """Evaluate a job in a thread of a worker, which builds its task at its first one.

    Args:
        described: JSON of the settings that the task is built from.
        job: evaluated.
        seed: of the run.
    """
    # Dask's workers are daemons, which may have no children; a task may have one to kill
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    if getattr(_thread, "described", None) != described:
        if hasattr(_thread, "task"):  # of an earlier run, on a cluster that lasts
            _thread.task.close()
            _thread.described = None
        # threads of one process would share what a task holds, and its CPU clock
        shared = get_worker().state.nthreads > 1
        _thread.task = build_evaluated(json.loads(described), isolate=shared)
        _thread.described = described
    with threadpool_limits(json.loads(described)["threads"]):
        return job.evaluate(_thread.task, seed)
