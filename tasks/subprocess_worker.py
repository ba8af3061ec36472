"""One persistent child process that evaluations run in, so that a time limit can kill them."""

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
_environment = threading.Lock()  # the recorder's workers are threads, each starting a child


class WorkerTimeoutError(Exception):
    """The call took longer than its time limit; the child was killed."""


class WorkerFailureError(Exception):
    """The call raised, or the child died; the message says which."""


class WorkerProcess:
    """Calls a function, built once inside a child process, under a time limit.

    The child is started at the first call, keeps its state (loaded data) between calls, is killed
    at the limit and started again at the next call. It dies with its parent.
    """

    def __init__(
        self,
        build: Callable[..., Callable[..., Any]],
        *arguments: Any,
        threads: int = 1,
        start_limit: float | None = None,
    ) -> None:
        """``build(*arguments)``, run in the child, must return the function to call; both the
        builder and all arguments are pickled. ``threads`` are of the child's BLAS; ``start_limit``
        is in seconds, none for what may load data or compute features for hours.
        """
        self._build, self._arguments = build, arguments
        self._threads, self._start_limit = threads, start_limit
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self.paused = 0.0
        """wall seconds that the latest call was stopped for"""

    def call(self, *arguments: Any, limit: float, pause: Callable[[], bool] | None = None) -> Any:
        """Return the function's result.

        Args:
            arguments: passed on, pickled.
            limit: seconds of wall time, start-up and pauses not counted.
            pause: asked twice a second; while it returns True the child is stopped.

        Raises:
            WorkerTimeoutError: the limit passed.
            WorkerFailureError: the function raised, the child died or was not ready in time.
        """
        pipe = self._start()
        self.paused = 0.0
        try:
            pipe.send(arguments)
            left, started = limit, time.monotonic()
            while not pipe.poll(max(0.0, min(0.5, left))):
                if pause is not None and pause():
                    self._wait_stopped(pause)
                    started = time.monotonic()  # forgives at most one polling interval
                    continue
                left -= time.monotonic() - started
                started = time.monotonic()
                if left <= 0:
                    self.close()
                    raise WorkerTimeoutError(f"killed after {limit:g} s")
            kind, value = pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            code = self._exit_code()
            raise WorkerFailureError(f"the evaluation's process died (exit code {code})") from error
        except WorkerTimeoutError:
            raise
        except BaseException:  # Ctrl-C, or ``pause`` raised: the answer must not reach a next call
            self.close()
            raise
        if kind == "error":
            raise WorkerFailureError(value)
        return value

    def close(self) -> None:
        """Kill the child, if there is one; a call in another thread fails."""
        process, self._process = self._process, None  # another thread may close it at once
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
            # read when BLAS loads
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
            if not pipe.poll(self._start_limit):  # imports and data are outside a call's limit
                raise WorkerFailureError(
                    f"the evaluation's process was not ready after {self._start_limit:g} s"
                )
            kind, value = pipe.recv()
        except EOFError as error:
            code = self._exit_code()
            raise WorkerFailureError(f"the evaluation's process died at start ({code})") from error
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
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
        except Exception as error:  # of the function, or its result cannot be sent
            answer = pickle.dumps(("error", f"{type(error).__name__}: {error}"))
        pipe.send_bytes(answer)


def _die_with_parent() -> None:
    if sys.platform == "linux":  # elsewhere the child ends at the next message: the pipe is gone
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)  # it died before the line above
