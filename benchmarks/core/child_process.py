"""A command that runs in a process group of its own and answers messages."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from benchmarks.core import watchdog
from benchmarks.core.codecs import Codec

INTERVAL = 0.5
"""longest wait between two calls of ``pause``, in seconds"""


class ChildTimeoutError(Exception):
    """The answer did not come within the time limit."""


class ChildDiedError(Exception):
    """The process died; the message is its exit code, or the signal that killed it."""

    def __init__(self, how: str, last_line: str = "") -> None:
        super().__init__(how)
        self.last_line = last_line
        """last line that it printed, if its output is kept"""


class ChildProcess:
    """Start a command, send it messages, and wait for its answers under a time limit.

    Whatever the command starts belongs to its process group, unless it leaves it. The group is
    killed at a time limit, by ``close``, with this object, and when this process dies.
    """

    def __init__(
        self,
        command: Sequence[str],
        codec: Codec,
        environment: Mapping[str, str] | None = None,
        *,
        keep_output: bool = False,
    ) -> None:
        """Start the command.

        Args:
            command: command and its arguments. The numbers of two file descriptors are appended:
                the command reads messages from the first, and writes one answer to each to the
                second.
            codec: turns messages into bytes and back.
            environment: environment variables of the command; None are those of this process.
            keep_output: do not let the command print where this process prints, but keep its
                output for ``ChildDiedError.last_line``.

        Raises:
            OSError: the command cannot be started.
        """
        self._codec = codec
        self._calling = threading.RLock()
        self.paused = 0.0
        """wall seconds for which the latest call was paused"""
        self._output = tempfile.TemporaryFile() if keep_output else None  # noqa: SIM115
        their_requests, self._requests = os.pipe()
        self._answers, their_answers = os.pipe()
        os.set_blocking(self._requests, False)
        ours = (self._requests, self._answers)
        self._close_files = weakref.finalize(self, _close, ours, self._output)
        try:
            self._process = subprocess.Popen(
                [*command, str(their_requests), str(their_answers)],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                env=environment,
                pass_fds=(their_requests, their_answers),
                start_new_session=True,
            )
        except BaseException:
            self._close_files()
            raise
        finally:
            os.close(their_requests)
            os.close(their_answers)
        self._kill = weakref.finalize(self, _kill, self._process, os.getpid())
        watchdog.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """Number of the process, and of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def receive(self, limit: float) -> Any:
        """Return the message that the command sends without being asked, see ``call``."""
        return self._exchange(b"", limit, None)

    def call(self, message: Any, limit: float, pause: Callable[[], bool] | None = None) -> Any:
        """Send a message and return the answer; whatever is raised, the group is killed first.

        Args:
            message: the message.
            limit: time limit in seconds of wall time, without pauses.
            pause: polled twice a second; while it returns True the group is stopped (SIGSTOP).

        Raises:
            ChildTimeoutError: the limit was exceeded.
            ChildDiedError: the process died.
            ValueError: the answer is not a message of the codec.
        """
        return self._exchange(self._codec.encode(message), limit, pause)

    def close(self) -> None:
        """Kill the group; a call in progress in another thread fails."""
        self._kill()
        with self._calling:  # that thread reads from the pipes until it has noticed
            self._close_files()

    def _exchange(self, request: bytes, limit: float, pause: Callable[[], bool] | None) -> Any:
        with self._calling:
            self.paused = 0.0
            if not self._close_files.alive:
                raise ChildDiedError("it was closed")
            try:
                return self._codec.decode(self._transfer(memoryview(request), limit, pause))
            except BaseException:  # Ctrl-C, too: a later call must not read this answer
                self.close()
                raise

    def _transfer(
        self, unsent: memoryview, limit: float, pause: Callable[[], bool] | None
    ) -> bytearray:
        received, left, at = bytearray(), limit, time.monotonic()
        poller = select.poll()
        poller.register(self._answers, select.POLLIN)
        if unsent:
            poller.register(self._requests, select.POLLOUT)
        while True:
            ready = poller.poll(1000 * max(0.0, min(INTERVAL, left)))
            for file, _ in ready:
                if file == self._answers:
                    received += self._read()
                else:
                    unsent = unsent[self._write(unsent) :]
                    if not unsent:
                        poller.unregister(file)
            if not unsent and self._codec.is_whole(received):
                return received
            if not ready and pause is not None and pause():
                self._stop_while(pause)
                at = time.monotonic()  # does not count up to one interval
                continue
            now = time.monotonic()
            left, at = left - (now - at), now
            if left <= 0:
                raise ChildTimeoutError(f"no answer within {limit:g} s")

    def _read(self) -> bytes:
        chunk = os.read(self._answers, 1 << 16)
        if not chunk:
            raise self._death()
        return chunk

    def _write(self, unsent: memoryview) -> int:
        try:
            return os.write(self._requests, unsent)
        except BrokenPipeError:
            raise self._death() from None

    def _death(self) -> ChildDiedError:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return ChildDiedError("no exit code: it only closed its pipes")
        how = f"exit code {code}" if code >= 0 else f"killed by {_signal_name(-code)}"
        if self._output is None:
            return ChildDiedError(how)
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return ChildDiedError(how, lines[-1] if lines else "")

    def _stop_while(self, pause: Callable[[], bool]) -> None:
        self._send(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            while self._kill.alive and pause():
                time.sleep(0.2)
        finally:
            self._send(signal.SIGCONT)
            self.paused += time.monotonic() - stopped

    def _send(self, number: signal.Signals) -> None:
        if self._kill.alive:
            _signal_group(self._process.pid, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS denies it for a group of zombies
        return


def _kill(process: subprocess.Popen[bytes], owner: int) -> None:
    """Kill a process and its group, and wait for the process."""
    if os.getpid() != owner:
        return  # in a fork of its parent
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    watchdog.forget(process.pid)


def _close(files: Sequence[int], output: IO[bytes] | None) -> None:
    for file in files:
        os.close(file)
    if output is not None:
        output.close()
