"""Read a study, from the traces of its runs or from its archive."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.data.archive import read_archive
from analysis.data.load import load_runs
from analysis.data.run_metadata import RunMetadata, metadata_of
from analysis.data.selection import Selection, select_runs
from analysis.data.tidy import tidy


class Study(NamedTuple):
    """A study: its trials, the metadata of its runs, and the runs selected for analysis."""

    table: pd.DataFrame
    """tidy table of the analysed runs, see ``analysis.data.tidy.tidy``"""
    runs: list[RunMetadata]
    """metadata of all runs that could be read"""
    selection: Selection
    """which of ``runs`` are analysed, and why the others are not"""

    @property
    def analysed(self) -> list[RunMetadata]:
        """Metadata of the analysed runs."""
        return [self.runs[index] for index in self.selection.analysed]


def from_traces(folder: Path) -> Study:
    """Read all runs below a folder; ``selection.lines`` reports those that cannot be read.

    Raises:
        ValueError: if no run can be read, or if none of them has finished.
    """
    unreadable: list[str] = []
    runs = load_runs(folder, unreadable)
    metadata = [metadata_of(run) for run in runs]
    selection = select_runs(metadata, unreadable)
    return Study(tidy([runs[index] for index in selection.analysed]), metadata, selection)


def from_archive(folder: Path) -> Study:
    """Read the archive that an earlier report wrote to a folder.

    Raises:
        ValueError: if the archive is missing or not valid, or if none of its runs has finished.
    """
    table, runs = read_archive(folder)
    return Study(table, runs, select_runs(runs))
