"""Read a study, from the traces of its runs or from its archive."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.data.archive import read_archive
from analysis.data.cut import cut_table
from analysis.data.failures import NONE, failures_in, sentence
from analysis.data.load import load_runs
from analysis.data.random_configs import with_good_cost
from analysis.data.run_metadata import RunMetadata, metadata_of
from analysis.data.selection import Selection, select_runs
from analysis.data.tidy import tidy

USUAL = {"losses": "true", "test_losses": "true", "best": "task", "deliveries": "recorded"}
"""values of the columns that archives of version 0.1 lack"""


class Study(NamedTuple):
    """A study: its trials, the metadata of its runs, and the runs selected for analysis."""

    table: pd.DataFrame
    """tidy table of the analysed runs, see ``analysis.data.tidy.tidy``, cut to a common budget"""
    whole: pd.DataFrame
    """the same table before it was cut at all"""
    runs: list[RunMetadata]
    """metadata of all runs that could be read"""
    selection: Selection
    """which of ``runs`` are analysed, and why the others are not"""
    budget: float | None = None
    """cost at which all runs were cut, in target evaluations; None if they were cut, if at all, at
    what they have in common"""

    @property
    def by_cost(self) -> pd.DataFrame:
        """The table for measures that know what a run had spent when it ended.

        Its runs are cut only where a budget was asked for.
        """
        return self.whole if self.budget is None else self.table

    @property
    def analysed(self) -> list[RunMetadata]:
        """Metadata of the analysed runs."""
        return [self.runs[index] for index in self.selection.analysed]


def from_traces(folder: Path, budget: float | None = None, archive: Path | None = None) -> Study:
    """Read all runs below a folder; ``selection.lines`` reports those that cannot be read.

    Args:
        folder: the folder.
        budget: cost at which runs are cut, in target evaluations; by default, the runs of a task
            are cut at the smallest budget that they were asked for, if these differ.
        archive: folder of an archive; its runs of a task, method and seed that have no trace are
            analysed, too. Use it to continue a study whose other traces are elsewhere.

    Raises:
        ValueError: if no run can be read, or if none of them has finished, or if the archive is
            missing or not valid.
    """
    unreadable: list[str] = []
    runs = load_runs(folder, unreadable)
    metadata = [metadata_of(run) for run in runs]
    selection = select_runs(metadata, unreadable)
    table = tidy([runs[index] for index in selection.analysed])
    if archive is None:
        return _study(table, metadata, selection, budget)
    old, archived = read_archive(archive)
    here = {(run.task, run.method, run.seed) for run in metadata}
    others = [run for run in archived if (run.task, run.method, run.seed) not in here]
    both = [*metadata, *others]
    return _study(_joined(table, old, others), both, select_runs(both, unreadable), budget)


def _joined(table: pd.DataFrame, old: pd.DataFrame, runs: list[RunMetadata]) -> pd.DataFrame:
    """Return the table with the rows of archived runs; columns that these lack are filled."""
    names = ["task", "method", "seed"]
    kept = pd.MultiIndex.from_tuples([(r.task, r.method, r.seed) for r in runs], names=names)
    rows = old[pd.MultiIndex.from_frame(old[names]).isin(kept)].copy()
    for name in table.columns.difference(rows.columns):
        rows[name] = USUAL.get(name, np.nan)
    if "reason" not in old:
        rows["reason"] = rows.status.where(rows.status != "ok", NONE)
    joined = pd.concat([table, rows], ignore_index=True)
    return joined.sort_values(names, kind="stable", ignore_index=True)


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
    whole = with_good_cost(whole)
    table, cut = cut_table(whole, [runs[index] for index in selection.analysed], budget)
    first, *others = selection.lines
    failed = sentence(failures_in(table), len(table))
    lines = [first, *filter(None, (cut, failed)), *others]
    return Study(table, whole, runs, selection._replace(lines=lines), budget)
