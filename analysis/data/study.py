"""A study as it is read: the runs that are analysed, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.data.archive import read_archive
from analysis.data.load import Run, load_runs
from analysis.data.run_facts import RunFacts, facts_of
from analysis.data.selection import Choice, choose
from analysis.data.tidy import tidy


class Study(NamedTuple):
    """What was read."""

    table: pd.DataFrame
    """of the runs that are analysed"""
    facts: list[RunFacts]
    """of all runs that could be read"""
    choice: Choice

    @property
    def analysed(self) -> list[RunFacts]:
        """The facts of the runs that are analysed."""
        return [self.facts[place] for place in self.choice.analysed]


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
    return Study(table, facts, choose(facts))


def _study(runs: Sequence[Run], unreadable: Sequence[str]) -> Study:
    facts = [facts_of(run) for run in runs]
    choice = choose(facts, unreadable)
    return Study(tidy([runs[place] for place in choice.analysed]), facts, choice)


def _ours(runs: Sequence[Run], unreadable: list[str]) -> list[Run]:
    ours = []
    for run in runs:
        try:
            facts_of(run)
            tidy([run])
        except (KeyError, TypeError) as error:
            unreadable.append(f"{run.folder} holds no trace of ours: {error!r}")
        else:
            ours.append(run)
    return ours
