"""Read a study, from the traces of its runs or from its archive."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.data.archive import read_archive
from analysis.data.cut import cut_table
from analysis.data.failures import failures_in, sentence
from analysis.data.load import load_runs
from analysis.data.run_metadata import RunMetadata, metadata_of
from analysis.data.selection import Selection, select_runs
from analysis.data.tidy import tidy


class Study(NamedTuple):
    """A study: its trials, the metadata of its runs, and the runs selected for analysis."""

    table: pd.DataFrame
    """tidy table of the analysed runs, see ``analysis.data.tidy.tidy``, cut to a common budget"""
    whole: pd.DataFrame
    """the same table before it was cut"""
    runs: list[RunMetadata]
    """metadata of all runs that could be read"""
    selection: Selection
    """which of ``runs`` are analysed, and why the others are not"""

    @property
    def analysed(self) -> list[RunMetadata]:
        """Metadata of the analysed runs."""
        return [self.runs[index] for index in self.selection.analysed]


def from_traces(folder: Path, budget: float | None = None) -> Study:
    """Read all runs below a folder; ``selection.lines`` reports those that cannot be read.

    Args:
        folder: the folder.
        budget: cost at which runs are cut, in target evaluations; by default, the runs of a task
            are cut at the smallest budget that they were asked for, if these differ.

    Raises:
        ValueError: if no run can be read, or if none of them has finished.
    """
    unreadable: list[str] = []
    runs = load_runs(folder, unreadable)
    metadata = [metadata_of(run) for run in runs]
    selection = select_runs(metadata, unreadable)
    return _study(tidy([runs[index] for index in selection.analysed]), metadata, selection, budget)


def from_archive(folder: Path, budget: float | None = None) -> Study:
    """Read the archive that an earlier report wrote to a folder.

    Args:
        folder: the folder.
        budget: as in ``from_traces``.

    Raises:
        ValueError: if the archive is missing or not valid, or if none of its runs has finished.
    """
    table, runs = read_archive(folder)
    return _study(table, runs, select_runs(runs), budget)


def _study(
    whole: pd.DataFrame, runs: list[RunMetadata], selection: Selection, budget: float | None
) -> Study:
    table, cut = cut_table(whole, [runs[index] for index in selection.analysed], budget)
    first, *others = selection.lines
    failed = sentence(failures_in(table), len(table))
    lines = [first, *filter(None, (cut, failed)), *others]
    return Study(table, whole, runs, selection._replace(lines=lines))
