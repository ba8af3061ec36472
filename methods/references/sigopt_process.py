"""Exchange JSON lines with a process of another Python environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.core.child_process import ChildDiedError, ChildProcess, ChildTimeoutError
from benchmarks.core.codecs import JsonLines

START_LIMIT = 120.0
"""limit for the imports of the process, in wall seconds"""
SETTINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
}
"""environment variables that make two processes agree to the last bit"""


class WorkerError(RuntimeError):
    """The process did not answer as expected; the message is one line."""


class JsonProcess:
    """Process started by the first request, restarted after it died, killed with this object.

    Args:
        command: command to run, as in ``ChildProcess``. It must write one line when it is ready,
            then one line per request.
        limit: limit for one answer, in wall seconds.
        greet: called with the first line of every process; raises ``WorkerError`` to reject it.
        repair: advice appended to the error message if the process does not start.
    """

    def __init__(
        self,
        command: Sequence[str],
        limit: float,
        greet: Callable[[Mapping[str, Any]], None] = lambda greeting: None,
        repair: str = "",
    ) -> None:
        self._command, self._limit = list(command), limit
        self._greet, self._repair = greet, repair
        self._child: ChildProcess | None = None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            WorkerError: if the process cannot be started, dies or takes too long, or its answer is
                not a JSON object. The process is then killed, and the next request starts a new
                one.
        """
        if self._child is None or not self._child.alive:
            self._start()
        return self._answer(lambda child: child.call(request, self._limit))

    def close(self) -> None:
        """Kill the process, if there is one."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _start(self) -> None:
        self.close()
        try:
            environment = _without_python_variables(os.environ) | SETTINGS
            self._child = ChildProcess(self._command, JsonLines(), environment, keep_output=True)
            self._greet(self._answer(lambda child: child.receive(START_LIMIT)))
        except BaseException as error:
            self.close()
            if isinstance(error, WorkerError | OSError):
                message = f"could not start {self._command[0]}: {error}{self._repair}"
                raise WorkerError(message) from error
            raise

    def _answer(self, ask: Callable[[ChildProcess], dict[str, Any]]) -> dict[str, Any]:
        assert self._child is not None
        try:
            return ask(self._child)
        except ChildDiedError as error:
            last = error.last_line or "it printed nothing"
            raise WorkerError(f"it died ({error}): {last}") from error
        except (ChildTimeoutError, ValueError) as error:
            raise WorkerError(str(error)) from error


def _without_python_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without Python's own variables, which point to our packages."""
    return {name: v for name, v in environment.items() if not name.startswith("PYTHON")}
