"""A persistent worker process that runs evaluations, so that a time limit can kill them."""

from __future__ import annotations

import math
import multiprocessing.process
import multiprocessing.spawn
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.core.child_process import ChildDiedError, ChildProcess, ChildTimeoutError
from benchmarks.core.codecs import Pickles

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerTimeoutError(Exception):
    """The call exceeded its time limit; the worker process was killed."""


class WorkerFailureError(Exception):
    """The call raised an exception, or the worker process died; the message says which."""


class WorkerProcess:
    """Call a function in a child process, under a time limit.

    The process starts at the first call and builds the function once, so that loaded data stays in
    memory between calls. At the time limit it is killed, with all that it has started; the next
    call starts a new one. It dies with its parent. It may have child processes of its own.
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
                call; pickled, so it must be a function of a module.
            arguments: arguments of ``build``; pickled.
            threads: number of BLAS threads of the worker process.
            start_limit: seconds within which the process must be ready; None is no limit, since
                loading data or computing features may take hours.
        """
        self._build, self._arguments = build, arguments
        self._threads = threads
        self._start_limit = math.inf if start_limit is None else start_limit
        self._child: ChildProcess | None = None
        self.paused = 0.0
        """wall seconds for which the latest call was paused"""
        self.seconds = 0.0
        """wall seconds that the latest call took, without pauses; start-up counts if it failed"""

    def call(self, *arguments: Any, limit: float, pause: Callable[[], bool] | None = None) -> Any:
        """Call the function and return its result.

        Args:
            arguments: arguments of the function; pickled.
            limit: time limit in seconds of wall time, without start-up and pauses.
            pause: polled twice a second; while it returns True the process, and all that it has
                started, is stopped (SIGSTOP).

        Raises:
            WorkerTimeoutError: the time limit was exceeded.
            WorkerFailureError: the function raised an exception, or the process died or was not
                ready in time.
        """
        child, started = self._child, time.monotonic()
        if child is None or not child.alive:
            try:
                child = self._start()
            finally:
                self.seconds = time.monotonic() - started
        started = time.monotonic()
        try:
            return _result(child.call(arguments, limit, pause))
        except ChildTimeoutError:
            raise WorkerTimeoutError(f"killed after {limit:g} s") from None
        except ChildDiedError as error:
            raise WorkerFailureError(f"the worker process died ({error})") from error
        finally:
            self.paused = child.paused
            self.seconds = time.monotonic() - started - self.paused

    def close(self) -> None:
        """Kill the process, if it runs; a call in progress in another thread fails."""
        child, self._child = self._child, None  # another thread may close it, too
        if child is not None:
            child.close()

    def _start(self) -> ChildProcess:
        self.close()
        target = pickle.dumps((self._build, self._arguments))
        # what multiprocessing sends to a process that it spawns: paths, folder, the main module
        parent = multiprocessing.spawn.get_preparation_data("WorkerProcess")
        del parent["authkey"]
        path = [str(folder) for folder in parent["sys_path"]]
        code = (
            f"import sys; sys.path[:] = {path}; from tasks.subprocess_worker import serve; serve()"
        )
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._threads))  # BLAS reads them when loaded
        child = ChildProcess(
            [sys.executable, *flags, "-c", code], Pickles(), {**os.environ, **threads}
        )
        self._child = child
        try:
            _result(child.call((parent, target), self._start_limit))
        except ChildTimeoutError:
            raise WorkerFailureError(
                f"the worker process was not ready after {self._start_limit:g} s"
            ) from None
        except ChildDiedError as error:
            raise WorkerFailureError(f"the worker process died at start-up ({error})") from error
        except WorkerFailureError:
            self.close()
            raise
        return child


def _result(answer: tuple[str, Any]) -> Any:
    kind, value = answer
    if kind == "error":
        raise WorkerFailureError(value)
    return value


def serve() -> None:
    """Answer the parent's requests; runs in the worker process.

    The first request says which function answers the others. The last two arguments of the process
    are the file descriptors of requests and answers.
    """
    pipes = [int(number) for number in sys.argv[-2:]]
    for pipe in pipes:
        os.set_inheritable(pipe, False)

    def close_pipes() -> None:
        """Let the parent see that this process has died while a fork of it still runs."""
        for pipe in pipes:
            os.close(pipe)

    os.register_at_fork(after_in_child=close_pipes)
    requests = open(pipes[0], "rb", closefd=False)  # noqa: SIM115 - open as long as the process
    answers = open(pipes[1], "wb", closefd=False)  # noqa: SIM115
    messages = Pickles()
    function: Callable[..., Any] | None = None
    while True:
        try:
            request = messages.read(requests)
        except EOFError:
            return
        try:
            result = None
            if function is None:
                function = _built(*request)
            else:
                result = function(*request)
            answer = messages.encode(("ok", result))
        except Exception as error:  # it raised, or its result cannot be pickled
            answer = messages.encode(("error", f"{type(error).__name__}: {error}"))
        answers.write(answer)
        answers.flush()


def _built(parent: dict[str, Any], target: bytes) -> Callable[..., Any]:
    """Import what the parent has, as multiprocessing does, and build the function."""
    current = multiprocessing.process.current_process()
    current._inheriting = True  # type: ignore[attr-defined]  # no process must be started meanwhile
    try:
        multiprocessing.spawn.prepare(parent)
    finally:
        del current._inheriting  # type: ignore[attr-defined]
    build, arguments = pickle.loads(target)
    function: Callable[..., Any] = build(*arguments)
    return function
