"""Reads what ``benchmarks.figure_data`` wrote for an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

SOURCES = "sources.csv"


class FigureData(NamedTuple):
    """The folder ``results/<experiment>/data``."""

    experiment: str
    folder: Path

    def read(self, name: str) -> pd.DataFrame:
        """Read one of its CSV files.

        Raises:
            ValueError: it is not there, with the command that writes it; or it is not a CSV.
        """
        path = self.folder / name
        if not path.is_file():
            raise ValueError(
                f"{path} is not there, python -m benchmarks.figure_data "
                f"experiment={self.experiment} writes it"
            )
        try:
            return pd.read_csv(path)
        except (ValueError, OSError) as error:  # pandas' own are ValueErrors
            raise ValueError(f"{path} is not a CSV file: {' '.join(str(error).split())}") from error

    def other_table(self, name: str, replays: object) -> str:
        """A warning if a file was made from another version of the table than the runs replay.

        Returns a sentence with a space before, or nothing.
        """
        known = self.read(SOURCES).set_index("file")["table"] if self._has(SOURCES) else {}
        made = known.get(name)
        if made is None or replays in ("none", made):
            return ""
        return (
            f" Made from another version of the table ({str(made)[:8]}) than the runs replay "
            f"({str(replays)[:8]})."
        )

    def _has(self, name: str) -> bool:
        return (self.folder / name).is_file()
