"""A persistent worker process that runs evaluations, so that a time limit can kill them."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_environment = threading.Lock()  # held while a thread changes os.environ


class WorkerTimeoutError(Exception):
    """The call exceeded its time limit; the worker process was killed."""


class WorkerFailureError(Exception):
    """The call raised an exception, or the worker process died; the message says which."""


class WorkerProcess:
    """Call a function in a child process, under a time limit.

    The process starts at the first call and builds the function once, so that loaded data stays in
    memory between calls. At the time limit it is killed; the next call starts a new one. It dies
    with its parent (on Linux at once).
    """

    def __init__(
        self,
        build: Callable[..., Callable[..., Any]],
        *arguments: Any,
        threads: int = 1,
        start_limit: float | None = None,
    ) -> None:
        """Store how to build the function; the process starts at the first call.

        Args:
            build: ``build(*arguments)`` runs in the worker process and returns the function to
                call; pickled.
            arguments: arguments of ``build``; pickled.
            threads: number of BLAS threads of the worker process.
            start_limit: seconds within which the process must be ready; None is no limit, since
                loading data or computing features may take hours.
        """
        self._build, self._arguments = build, arguments
        self._threads, self._start_limit = threads, start_limit
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self.paused = 0.0
        """wall seconds for which the latest call was paused"""

    def call(self, *arguments: Any, limit: float, pause: Callable[[], bool] | None = None) -> Any:
        """Call the function and return its result.

        Args:
            arguments: arguments of the function; pickled.
            limit: time limit in seconds of wall time, without start-up and pauses.
            pause: polled twice a second; while it returns True the process is stopped (SIGSTOP).

        Raises:
            WorkerTimeoutError: the time limit was exceeded.
            WorkerFailureError: the function raised an exception, or the process died or was not
                ready in time.
        """
        pipe = self._start()
        self.paused = 0.0
        try:
            pipe.send(arguments)
            left, started = limit, time.monotonic()
            while not pipe.poll(max(0.0, min(0.5, left))):
                if pause is not None and pause():
                    self._wait_stopped(pause)
                    started = time.monotonic()  # does not count up to one polling interval
                    continue
                left -= time.monotonic() - started
                started = time.monotonic()
                if left <= 0:
                    self.close()
                    raise WorkerTimeoutError(f"killed after {limit:g} s")
            kind, value = pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            code = self._exit_code()
            raise WorkerFailureError(f"the worker process died (exit code {code})") from error
        except WorkerTimeoutError:
            raise
        except BaseException:  # Ctrl-C or ``pause`` raised: a later call must not read this answer
            self.close()
            raise
        if kind == "error":
            raise WorkerFailureError(value)
        return value

    def close(self) -> None:
        """Kill the process, if it runs; a call in progress in another thread fails."""
        process, self._process = self._process, None  # another thread may call close, too
        pipe, self._pipe = self._pipe, None
        if process is not None:
            process.kill()
            process.join()
        if pipe is not None:
            pipe.close()

    def _start(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._build, self._arguments), daemon=True
        )
        with _environment:
            saved = {name: os.environ.get(name) for name in THREAD_VARIABLES}
            # BLAS reads these when it is loaded, so they must be set before the process starts
            os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(self._threads)))
            try:
                process.start()
            finally:
                for name, value in saved.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value
                theirs.close()
        self._process, self._pipe = process, pipe
        try:
            if not pipe.poll(self._start_limit):  # not part of a call's limit
                raise WorkerFailureError(
                    f"the worker process was not ready after {self._start_limit:g} s"
                )
            kind, value = pipe.recv()
        except EOFError as error:
            code = self._exit_code()
            raise WorkerFailureError(
                f"the worker process died at start-up (exit code {code})"
            ) from error
        except BaseException:
            self.close()
            raise
        if kind == "error":
            self.close()
            raise WorkerFailureError(value)
        return pipe

    def _exit_code(self) -> int | None:
        process = self._process
        if process is None:
            return None
        process.join(timeout=5)
        code = process.exitcode
        self.close()
        return code

    def _wait_stopped(self, pause: Callable[[], bool]) -> None:
        assert self._process is not None
        pid = self._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            while pause():
                time.sleep(0.2)
        finally:
            os.kill(pid, signal.SIGCONT)
            self.paused += time.monotonic() - stopped


def _serve(pipe: Connection, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    try:
        function = build(*arguments)
    except Exception as error:
        pipe.send(("error", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("ok", None))
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        try:
            answer = pickle.dumps(("ok", function(*request)))
        except Exception as error:  # the function raised, or its result cannot be pickled
            answer = pickle.dumps(("error", f"{type(error).__name__}: {error}"))
        pipe.send_bytes(answer)


def _die_with_parent() -> None:
    if sys.platform == "linux":  # on other systems it ends when it next uses the closed pipe
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)  # the parent died before prctl was called
