"""A lock file that the operating system releases when its holder dies."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import TracebackType
from typing import IO


class LockedError(ValueError):
    """Another process holds the lock."""


class FolderLock:
    """Holds an exclusive lock on a file inside its ``with`` block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> FolderLock:
        """Take the lock.

        Raises:
            LockedError: another process holds it.
        """
        self._file = self._path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise LockedError(f"{self._path.parent} is in use by another process") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
