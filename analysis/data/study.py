"""A study as it is read: the runs that are analysed, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.data.archive import read_archive
from analysis.data.load import Run, load_runs
from analysis.data.run_metadata import RunMetadata, metadata_of
from analysis.data.selection import Selection, select_runs
from analysis.data.tidy import tidy


class Study(NamedTuple):
    """What was read."""

    table: pd.DataFrame
    """of the runs that are analysed"""
    facts: list[RunMetadata]
    """of all runs that could be read"""
    selection: Selection

    @property
    def analysed(self) -> list[RunMetadata]:
        """The facts of the runs that are analysed."""
        return [self.facts[place] for place in self.selection.analysed]


def from_traces(folder: Path) -> Study:
    """Read all runs below a folder; those that cannot be read are left out, which is said.

    Raises:
        ValueError: there are none that can be read, or none of them has finished.
    """
    unreadable: list[str] = []
    runs = load_runs(folder, unreadable)
    try:
        return _study(runs, unreadable)
    except (KeyError, TypeError):  # JSON, but not of ours: only now is it worth looking for which
        ours = _ours(runs, unreadable)
        if not ours:
            raise ValueError(f"{folder}: {unreadable[-1]}") from None
        return _study(ours, unreadable)


def from_archive(folder: Path) -> Study:
    """Read what an earlier report left in a folder.

    Raises:
        ValueError: it is not there, not ours, or has no finished run.
    """
    table, facts = read_archive(folder)
    return Study(table, facts, select_runs(facts))


def _study(runs: Sequence[Run], unreadable: Sequence[str]) -> Study:
    facts = [metadata_of(run) for run in runs]
    selection = select_runs(facts, unreadable)
    return Study(tidy([runs[place] for place in selection.analysed]), facts, selection)


def _ours(runs: Sequence[Run], unreadable: list[str]) -> list[Run]:
    ours = []
    for run in runs:
        try:
            metadata_of(run)
            tidy([run])
        except (KeyError, TypeError) as error:
            unreadable.append(f"{run.folder} holds no trace of ours: {error!r}")
        else:
            ours.append(run)
    return ours
