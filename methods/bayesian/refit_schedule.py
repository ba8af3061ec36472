"""The earlier history from which hyperparameters are kept, when fitting anew each time is too much.

Which one must be a function of the later history. That holds trials in order of their numbers, not
of their ends, so a suggestion's note says which trials were running when it was made.
"""

from __future__ import annotations

from typing import Any

from benchmarks.core.trial import History
from methods.models.training_data import finished

PENDING_KEY = "beside"
"""key of the note: numbers of the trials that were running when this one was suggested"""


def pending_numbers(history: History) -> dict[str, Any]:
    """The note of a suggestion made now; empty if no trial is running."""
    numbers = [trial.number for trial in history.running]
    return {PENDING_KEY: numbers} if numbers else {}


def prefix(history: History, every: int, above: int) -> History:
    """What was known when the latest trial whose number is a multiple of ``every`` was suggested.

    The history itself if that trial is the next one, or if no more than ``above`` trials have
    finished. Trials without a note (of another method, say) count as suggested by one worker.
    """
    latest = len(history) // every * every
    if finished(history) <= above or latest == len(history):
        return history
    pending = history.trials[latest].note.get(PENDING_KEY, ())
    trials = [trial for trial in history.trials[:latest] if trial.number not in pending]
    return History(trials, history.loss_floor)
