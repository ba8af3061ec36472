"""The engine ``dask``: workers of a cluster started here, or of a scheduler that runs already."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack
from functools import partial

import dask
from distributed import Client, KilledWorker, LocalCluster, get_worker
from threadpoolctl import threadpool_limits

from benchmarks.core.trial import Observation
from benchmarks.engines.base import Job
from benchmarks.engines.isolated_task import EvaluationSettings, build_evaluated
from benchmarks.engines.real_time import RealTime
from benchmarks.settings import ConfigError
from tasks.subprocess_worker import THREAD_VARIABLES

CONNECT_TIMEOUT = 20.0
"""seconds to wait for the answer of a scheduler"""
NOBODY_AFTER, GIVE_UP_AFTER = 10.0, 600.0
"""seconds without any worker after which a line says so, and after which the run ends"""
SILENT_AFTER = 60.0
"""seconds without a heartbeat after which a worker is taken for frozen"""
_thread = threading.local()


class SchedulerError(RuntimeError):
    """The connection to the scheduler is lost; trials that ended before are in the trace."""


class Watch:
    """Says in one line each that a cluster has no workers, or that a worker is silent."""

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._address, self._clock = address, clock
        self._beats: dict[str, tuple[float, float]] = {}
        self._nobody_since: float | None = None
        self._said: set[str] = set()

    def look(self, last_seen: Mapping[str, float]) -> None:
        """Take note of the latest heartbeats.

        Args:
            last_seen: time of the latest heartbeat of each worker, on the scheduler's clock; only
                changes count, since the clocks of two machines differ.

        Raises:
            SchedulerError: there has been no worker for ``GIVE_UP_AFTER`` seconds.
        """
        now = self._clock()
        if last_seen:
            self._nobody_since = None
        elif self._nobody_since is None:
            self._nobody_since = now
        elif now - self._nobody_since >= GIVE_UP_AFTER:
            raise SchedulerError(f"the Dask scheduler at {self._address} has no workers")
        elif now - self._nobody_since >= NOBODY_AFTER:
            self._say(f"the Dask scheduler at {self._address} has no workers: waiting for one")
        for worker, beat in last_seen.items():
            if worker not in self._beats or self._beats[worker][0] != beat:
                self._beats[worker] = (beat, now)
            elif now - self._beats[worker][1] >= SILENT_AFTER:
                self._say(
                    f"the Dask worker {worker} has been silent for {SILENT_AFTER:.0f} s: its trial "
                    "waits until Dask gives it up (distributed.scheduler.worker-ttl)"
                )

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            print(line, file=sys.stderr, flush=True)


class Dask(RealTime):
    """Runs ``n`` trials at once on a Dask cluster, on the real clock.

    A worker number in the trace is one of ``n`` slots; Dask chooses the process that evaluates.
    If a process dies, Dask evaluates its trial again in another one, up to
    ``distributed.scheduler.allowed-failures`` times; then the trial is ``failed``.
    """

    def __init__(
        self, settings: EvaluationSettings, seed: int, n: int, address: str | None, now: float
    ) -> None:
        """Connect to a scheduler, or start a cluster of ``n`` worker processes.

        Args:
            settings: settings from which workers build the task.
            seed: seed of the run.
            n: number of trials at once.
            address: address of a scheduler; None starts a cluster on this machine.
            now: reading of the run's clock, seconds.

        Raises:
            ConfigError: no scheduler answers at ``address``.
        """
        self._open = ExitStack()
        self._address = address
        if address is None:
            address = self._start_cluster(n, settings.threads)
        try:
            self._client = self._open.enter_context(Client(address, timeout=CONNECT_TIMEOUT))
        except (OSError, ValueError) as error:
            self._open.close()
            raise ConfigError(f"workers.address={address}: no Dask scheduler answers") from error
        # Silence distributed's logging: SchedulerError reports the failure in one line.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # pure=False: Dask must not answer a resumed run with an earlier result.
        executor = self._client.get_executor(pure=False)
        self._watch = Watch(address)
        super().__init__(executor, partial(evaluate_job, settings, seed), n, now)

    def _start_cluster(self, n: int, threads: int) -> str:
        """Start a cluster of ``n`` workers on this machine; return its scheduler's address."""
        preload = [*dask.config.get("distributed.worker.preload"), __name__]
        options = {
            "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREAD_VARIABLES, threads),
            "distributed.worker.preload": preload,
            "distributed.scheduler.worker-ttl": SILENT_AFTER,  # its nanny restarts a frozen worker
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
        return str(self._open.enter_context(cluster).scheduler_address)

    def close(self) -> None:
        self._open.close()

    def check(self) -> None:
        if self._client.status != "running":
            raise SchedulerError(self._lost())
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, TimeoutError) as error:
            raise SchedulerError(self._lost()) from error
        self._watch.look({address: facts["last_seen"] for address, facts in workers.items()})

    def problem(self, error: BaseException) -> str:
        if isinstance(error, KilledWorker):
            return f"its workers died: {error}"
        # We cancel nothing, so the connection was lost.
        if isinstance(error, CancelledError) or self._client.status != "running":
            raise SchedulerError(self._lost()) from error
        return super().problem(error)

    def _lost(self) -> str:
        return f"the Dask scheduler{f' at {self._address}' if self._address else ''} is gone"


def dask_setup(worker: object) -> None:
    """Ignore Ctrl-C in a worker of our own cluster: the driver handles it. Dask calls this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def evaluate_job(settings: EvaluationSettings, seed: int, job: Job) -> Observation:
    """Evaluate a job in a thread of a worker, which builds the task for its first job.

    Args:
        settings: settings from which the task is built.
        seed: seed of the run.
        job: job to evaluate.
    """
    if getattr(_thread, "settings", None) != settings:
        if hasattr(_thread, "task"):  # left by an earlier run on the same cluster
            _thread.task.close()
            _thread.settings = None
        # Threads of one process would share the state of the task and its CPU clock.
        shared = get_worker().state.nthreads > 1
        _thread.task = build_evaluated(settings, isolate=shared)
        _thread.settings = settings
    with threadpool_limits(settings.threads):
        return job.evaluate(_thread.task, seed)
