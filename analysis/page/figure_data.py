"""Read the files that ``benchmarks.figure_data`` wrote for a study."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

SOURCES = "sources.csv"  # names the table that each file was made from


class FigureData(NamedTuple):
    """The CSV files in ``results/<study>/data``."""

    study: str
    folder: Path

    def read(self, name: str) -> pd.DataFrame:
        """Read a CSV file of the folder.

        Args:
            name: name of the file, with its suffix.

        Raises:
            ValueError: if the file does not exist (the message names the command that writes it)
                or is not valid CSV.
        """
        path = self.folder / name
        if not path.is_file():
            raise ValueError(
                f"{path} does not exist; python -m benchmarks.figure_data "
                f"study={self.study} writes it"
            )
        try:
            return pd.read_csv(path)
        except (ValueError, OSError) as error:  # parser errors of pandas are ValueErrors
            raise ValueError(f"{path} is not a CSV file: {' '.join(str(error).split())}") from error

    def other_table(self, name: str, replays: object) -> str:
        """Return a warning if a file was made from another table than the one the runs replay.

        Args:
            name: name of the file.
            replays: SHA-256 of the table that the runs replay, or ``none``.

        Returns:
            A sentence after a space, to append to a caption; empty if there is nothing to warn of.
        """
        sources = self.read(SOURCES).set_index("file")["table"] if self._has(SOURCES) else {}
        source = sources.get(name)
        if source is None or replays in ("none", source):
            return ""
        return (
            f" This was made from another version of the table ({str(source)[:8]}) than the one "
            f"that the runs replay ({str(replays)[:8]})."
        )

    def _has(self, name: str) -> bool:
        return (self.folder / name).is_file()
