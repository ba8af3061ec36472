"""Refit schedule: reuse hyperparameters between refits, once refitting for every trial is too slow.

The history at the latest refit must be a function of the current history. A history lists trials in
the order of their numbers, not of their completion, so the note of each suggestion records which
trials were pending when it was made.
"""

from __future__ import annotations

from typing import Any

from benchmarks.core.trial import History
from methods.models.training_data import finished

PENDING_KEY = "beside"
"""note key, as stored in traces: numbers of the trials that were pending when this one was
suggested"""


def pending_numbers(history: History) -> dict[str, Any]:
    """Return the note of a suggestion made now: the pending trials; empty if there are none."""
    numbers = [trial.number for trial in history.running]
    return {PENDING_KEY: numbers} if numbers else {}


def prefix(history: History, every: int, above: int) -> History:
    """Return the history as it was at the latest refit.

    A refit precedes the suggestion of each trial whose number is a multiple of ``every``. Returns
    ``history`` itself if that trial is the next one, or if at most ``above`` trials have finished.
    For a trial without a note (of another method, say) no trial counts as pending.
    """
    latest = len(history) // every * every
    if finished(history) <= above or latest == len(history):
        return history
    pending = history.trials[latest].note.get(PENDING_KEY, ())
    trials = [trial for trial in history.trials[:latest] if trial.number not in pending]
    return History(trials, history.loss_floor)
