"""Replace files so that readers, and the time after a power cut, see the old content or the new."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes, sync: bool) -> None:
    """Replace a file atomically.

    Args:
        path: the file; it need not exist.
        content: its new content.
        sync: True waits until the disk holds it. Without that, a power cut soon afterwards may
            leave an empty file on some file systems.

    Raises:
        OSError: the disk is full; the old file stays, and no other is left.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the disk holds the names of the files in a folder."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
