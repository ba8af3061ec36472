"""Trials that were not ok: why, and how many, by task and method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from analysis.data.load import Run
from benchmarks.core.records import TrialRow

NONE = "none"
"""the reason of a trial that was ok"""
LONGEST = 80
"""characters of a reason that are shown"""
MOST = 3
"""reasons that are listed for a task and method; the others are counted together"""


class Failures(NamedTuple):
    """The trials of one method on one task that were not ok."""

    task: str
    method: str
    trials: int
    """number of all trials"""
    reasons: dict[str, int]
    """number of trials by reason, the most frequent first; at least one"""

    @property
    def not_ok(self) -> int:
        """Number of trials that were not ok."""
        return sum(self.reasons.values())

    @property
    def text(self) -> str:
        """The number and the reasons in one line."""
        return f"{self.not_ok} of {self.trials} trials not ok: {'; '.join(self.listed)}"

    @property
    def listed(self) -> list[str]:
        """The most frequent reasons with their numbers."""
        pairs = [f"{count} {reason}" for reason, count in list(self.reasons.items())[:MOST]]
        rest = len(self.reasons) - MOST
        others = sum(list(self.reasons.values())[MOST:])
        return pairs + [f"{others} for {rest} other reason{'s'[: rest > 1]}"] * (rest > 0)


def reason_of(row: TrialRow) -> str:
    """Return why a trial was not ok, such as ``failed: ValueError: ...``; ``NONE`` if it was."""
    if row["status"] == "ok":
        return NONE
    return f"{row['status']}: {shorten(row.get('info', {}).get('error') or 'no reason given')}"


def shorten(text: object) -> str:
    """Return the first line of a text that is not empty, on at most ``LONGEST`` characters."""
    lines = (" ".join(line.split()) for line in str(text).splitlines())
    line = next(filter(None, lines), "")
    line = "".join(character if character.isprintable() else " " for character in line)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def failures_of(trials: Iterable[tuple[str, str, str]]) -> list[Failures]:
    """Count the trials that were not ok.

    Args:
        trials: task, method and reason of every trial.

    Returns:
        One entry for each task and method that has such trials, sorted by both.
    """
    reasons: dict[tuple[str, str], Counter[str]] = {}
    for task, method, reason in trials:
        reasons.setdefault((task, method), Counter())[reason] += 1
    return [
        Failures(task, method, counts.total(), dict(bad.most_common()))
        for (task, method), counts in sorted(reasons.items())
        if (bad := Counter({why: n for why, n in counts.items() if why != NONE}))
    ]


def failures_in(table: pd.DataFrame) -> list[Failures]:
    """Count the trials in a tidy table that were not ok, see ``failures_of``."""
    if not len(table):
        return []
    return failures_of(zip(table.task, table.method, reasons_in(table), strict=True))


def reasons_in(table: pd.DataFrame) -> Sequence[str]:
    """Return the reason of each trial in a tidy table; archives of version 0.1 hold none."""
    if "reason" in table:
        return [str(reason) for reason in table.reason]
    return [NONE if s == "ok" else f"{s}: reason not in the archive" for s in table.status]


def failures_of_runs(runs: Iterable[Run]) -> list[Failures]:
    """Count the trials of runs that were not ok, see ``failures_of``."""
    return failures_of((run.task, run.method, reason_of(row)) for run in runs for row in run.rows)


def sentence(failures: Sequence[Failures], trials: int) -> str | None:
    """Return one line about the trials of a study that were not ok; None if there are none.

    Args:
        failures: as returned by ``failures_of``.
        trials: number of all trials.
    """
    if not failures:
        return None
    every = Counter[str]()
    kinds = Counter[str]()
    for each in failures:
        every.update(each.reasons)
        for reason, count in each.reasons.items():
            kinds[reason.partition(":")[0]] += count
    number = kinds.total()
    words = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    frequent, times = every.most_common(1)[0]
    return (
        f"{number:,} of {trials:,} trials were not ok ({words}); most often: {frequent} "
        f"({times:,} times). See the table of failed trials."
    )
