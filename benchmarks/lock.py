"""A lock file that the operating system releases when its holder dies."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class LockedError(ValueError):
    """Another process holds the lock."""


class FolderLock:
    """Holds an exclusive lock on a file inside its ``with`` block; the file stays."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, FileLock(path)

    def __enter__(self) -> FolderLock:
        """Take the lock.

        Raises:
            LockedError: another process holds it.
        """
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise LockedError(f"{self._path.parent} is in use by another process") from None
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()
