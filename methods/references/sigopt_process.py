"""Exchange JSON lines with a process of another Python environment."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

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
        command: command to run. It must write one line when it is ready, then one line per request.
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
        self._running: _Running | None = None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            WorkerError: if the process cannot be started, dies or takes too long, or its answer is
                not a JSON object. The process is then killed, and the next request starts a new
                one.
        """
        if self._running is None or self._running.process.poll() is not None:
            self._start()
        assert self._running is not None
        try:
            return self._running.exchange(json.dumps(request).encode() + b"\n", self._limit)
        except BaseException:  # Ctrl-C, too: the next request must not read this answer
            self.close()
            raise

    def close(self) -> None:
        """Kill the process, if there is one."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _start(self) -> None:
        self.close()
        try:
            self._running = _Running(self._command)
            self._greet(self._running.exchange(b"", START_LIMIT))
        except BaseException as error:
            self.close()
            if isinstance(error, WorkerError | OSError):
                message = f"could not start {self._command[0]}: {error}{self._repair}"
                raise WorkerError(message) from error
            raise


class _Running:
    """One running process; killed with this object."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                env=_without_python_variables(os.environ) | SETTINGS,
                start_new_session=True,  # so that its forks can be killed with it
            )
        except BaseException:
            self._errors.close()
            raise
        self.close = weakref.finalize(self, _end, self.process, self._errors)

    def exchange(self, line: bytes, limit: float) -> dict[str, Any]:
        """Send a line, unless it is empty, and read one, both within ``limit`` wall seconds."""
        requests, replies = self.process.stdin, self.process.stdout
        assert requests is not None
        assert replies is not None
        end, reply = time.monotonic() + limit, b""
        while line or not reply.endswith(b"\n"):
            left = max(0.0, end - time.monotonic())
            ready = select.select([replies], [requests] if line else [], [], left)
            if not any(ready):
                raise WorkerError(f"no answer within {limit:g} s")
            if ready[1]:
                try:
                    line = line[os.write(requests.fileno(), line[: select.PIPE_BUF]) :]
                except BrokenPipeError:
                    raise WorkerError(self._death()) from None
            else:
                chunk = os.read(replies.fileno(), 1 << 16)
                if not chunk:
                    raise WorkerError(self._death())
                reply += chunk
        try:
            answer = json.loads(reply)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            text = reply[:80].decode(errors="replace")
            raise WorkerError(f"its answer is not a JSON object: {text!r}")
        return answer

    def _death(self) -> str:
        """Return why the process died: its exit code, and its last line on standard error."""
        try:
            code: int | str = self.process.wait(5)
        except subprocess.TimeoutExpired:
            code = "none: it only closed its pipes"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"it died (exit code {code}): {lines[-1] if lines else 'nothing on stderr'}"


def _without_python_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without Python's own variables, which point to our packages."""
    return {name: v for name, v in environment.items() if not name.startswith("PYTHON")}


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    """Kill a process and its forks, and close its files."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for file in (process.stdin, process.stdout, errors):
        if file is not None:
            file.close()
