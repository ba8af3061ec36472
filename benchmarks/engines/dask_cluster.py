"""The engine ``dask``: workers of a cluster started here, or of a scheduler that runs already."""

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

CHECK_INTERVAL = 1.0
"""seconds between checks that the scheduler is alive, while no trial ends"""
CONNECT_TIMEOUT = 20.0
"""seconds to wait for the answer of a scheduler"""
_thread = threading.local()


class SchedulerError(RuntimeError):
    """The connection to the scheduler is lost; trials that ended before are in the trace."""


class Dask(RealTime):
    """Runs ``n`` trials at once on a Dask cluster, on the real clock.

    A worker number in the trace is one of ``n`` slots; Dask chooses the process that evaluates.
    If a process dies, Dask evaluates its trial again in another one, up to
    ``distributed.scheduler.allowed-failures`` times; then the trial is ``failed``.
    """

    def __init__(
        self, settings: Mapping[str, Any], task: Task, n: int, address: str | None, now: float
    ) -> None:
        """Connect to a scheduler, or start a cluster of ``n`` worker processes.

        Args:
            settings: settings of the run; workers build its task from them.
            task: task of the run; determines the cost of a trial that is lost.
            n: number of trials at once.
            address: address of a scheduler; None starts a cluster on this machine.
            now: reading of the run's clock, seconds.

        Raises:
            ConfigError: no scheduler answers at ``address``.
        """
        described = {name: settings[name] for name in ("task", "allow", "time_limit", "threads")}
        self._described = json.dumps(described, default=str)
        self._seed, self._task = settings["seed"], task
        self._open = ExitStack()
        self._address = address
        if address is None:
            environment = dict.fromkeys(THREAD_VARIABLES, settings["threads"])
            preload = [*dask.config.get("distributed.worker.preload"), __name__]
            options = {
                "distributed.nanny.pre-spawn-environ": environment,
                "distributed.worker.preload": preload,
            }
            self._open.enter_context(dask.config.set(options))
            cluster = LocalCluster(
                n_workers=n,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # any free port, as several runs may be active
                memory_limit=None,  # the default, 1/n of the memory, kills larger trials
                silence_logs="CRITICAL",
            )
            address = self._open.enter_context(cluster).scheduler_address
        try:
            self._client = self._open.enter_context(Client(address, timeout=CONNECT_TIMEOUT))
        except (OSError, ValueError) as error:
            self._open.close()
            raise ConfigError(f"workers.address={address}: no Dask scheduler answers") from error
        # Silence distributed's logging: SchedulerError reports the failure in one line.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        super().__init__(n, now)
        self._running: dict[Future[Any], Job] = {}  # holds the futures, or Dask drops them
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def start(self, job: Job) -> None:
        self._idle.remove(job.worker)
        job = replace(job, start=self.now)
        # pure=False: Dask must not answer a resumed run with an earlier result
        future = self._client.submit(evaluate_job, self._described, job, self._seed, pure=False)
        self._running[future] = job
        future.add_done_callback(self._ended.put)

    def next_completed(self, wait: bool) -> CompletedJob | None:
        future = None
        while self._running and future is None:
            try:
                future = self._ended.get(block=wait, timeout=CHECK_INTERVAL)
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
        except CancelledError as error:  # we cancel nothing, so the connection was lost
            raise SchedulerError(self._lost()) from error
        except KilledWorker as error:
            problem = f"its workers died: {error}"
        except Exception as error:  # of the worker, e.g. while it builds the task
            if isinstance(error, OSError) and future.status != "error":
                # not of the worker: the connection broke while the result was fetched
                raise SchedulerError(self._lost()) from error
            # Dask's messages may contain a traceback.
            last_line = str(error).strip().rpartition("\n")[2]
            problem = f"{type(error).__name__}: {last_line}"
        return failed(self._task, job.suggestion, problem, self.now - job.start)

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise SchedulerError(self._lost())

    def _lost(self) -> str:
        return f"the Dask scheduler{f' at {self._address}' if self._address else ''} is gone"


def dask_setup(worker: object) -> None:
    """Ignore Ctrl-C in a worker of our own cluster: the driver handles it. Dask calls this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def evaluate_job(described: str, job: Job, seed: int) -> Observation:
    """Evaluate a job in a thread of a worker, which builds the task for its first job.

    Args:
        described: settings of the task, as JSON.
        job: job to evaluate.
        seed: seed of the run.
    """
    # Daemonic processes, as Dask's workers are, cannot spawn the child that enforces a time limit.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    if getattr(_thread, "described", None) != described:
        if hasattr(_thread, "task"):  # left by an earlier run on the same cluster
            _thread.task.close()
            _thread.described = None
        # Threads of one process would share the state of the task and its CPU clock.
        shared = get_worker().state.nthreads > 1
        _thread.task = build_evaluated(json.loads(described), isolate=shared)
        _thread.described = described
    with threadpool_limits(json.loads(described)["threads"]):
        return job.evaluate(_thread.task, seed)
