"""Parts of captions that several figures share, and the order of methods."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.data.incumbents import FINEST, notes
from analysis.figures import style
from analysis.statistics.regret_targets import EXAMPLES

RULES = {
    "recommended": "recommended config",
    "best_at_target": "best config seen at the target",
    "best_seen": "best config seen at any fidelity",
}
"""what each incumbent rule yields"""
CLOCKS = {
    "cost": "evaluation cost",
    "cost + overhead": "evaluation cost + overhead",
    "wall-clock": "wall-clock",
    "machine-hours": "wall-clock times workers",
}
"""names of ``analysis.statistics.step_curves.CLOCKS``"""


def ordered(methods: Iterable[str]) -> list[str]:
    """Sort distinct methods in the order of ``style.METHODS``; unknown ones come last, by name."""
    order = {name: index for index, name in enumerate(style.METHODS)}

    def position(method: str) -> tuple[int, str]:
        name = method.partition(",")[0]
        return order.get(style.KIN.get(name, (name, ""))[0], len(order)), method

    return sorted(set(methods), key=position)


def extra_width(methods: Iterable[str], usual: int = 14) -> float:
    """Return the extra width, in inches, for names of more than ``usual`` characters."""
    return 0.085 * max(0, max((len(m) for m in methods), default=0) - usual)


def seeds_of(rows: pd.DataFrame) -> str:
    """Count the seeds per method and task, as text: ``10 seeds`` or ``3 to 10 seeds``."""
    counts = rows.groupby(["task", "method"]).seed.nunique()
    low, high = int(counts.min()), int(counts.max())
    return f"{low} to {high} seeds" if low < high else f"{low} seed{'s' * (low != 1)}"


def basis(rows: pd.DataFrame, clock: str, rule: str) -> str:
    """State the number of seeds, the clock, the incumbent rule and how losses were measured."""
    return (
        f"{seeds_of(rows).capitalize()} per method and task, compared by {CLOCKS[clock]}. "
        f"Incumbent: the {RULES[rule]} (rule {rule})." + measured(rows)
    )


def measured(rows: pd.DataFrame, test: bool = False) -> str:
    """Say which losses are no true ones, for the end of a caption; empty if all are.

    Args:
        rows: rows of the tidy table.
        test: speak of test errors, too.
    """
    observed, study = _tasks_with(rows, "losses", "observed"), _tasks_with(rows, "best", "study")
    tests = _tasks_with(rows, "test_losses", "observed") if test else []
    return "".join(f" {sentence}" for sentence in notes(observed, study, tests))


ACCOUNTS = {
    "found": "Costs are counted until the recommendation is good (found), because what a target "
    "training costs is not known.",
    "delivered": "Costs include the target training that the recommended config still lacks "
    "(delivered).",
}


def account(rows: pd.DataFrame, name: str) -> str:
    """Say what costs include, and what a training is, for the end of a caption.

    Args:
        rows: rows of the tidy table of one task.
        name: the account, a key of ``ACCOUNTS``.
    """
    said = f" {ACCOUNTS[name]}"
    if name == "delivered" and _tasks_with(rows, "deliveries", "estimated"):
        said += (
            " Where its cost is not known, that at the highest fidelity is divided by the fidelity."
        )
    good, median = (
        float(rows[column].iloc[0]) if column in rows else float("nan")
        for column in ("good_cost", "target_cost")
    )
    if good > 0:
        said += (
            f" A training is one of a good config, {good:.3g} s: the median over the best tenth of "
            f"random configs (over all of them {median:.3g} s)."
        )
    return said


def regret_name(rows: pd.DataFrame) -> str:
    """Return what the regret on one task is called on axes."""
    if _tasks_with(rows, "losses", "observed"):
        return "observed regret"
    return "regret above the study's best" if _tasks_with(rows, "best", "study") else "regret"


def _tasks_with(rows: pd.DataFrame, column: str, value: str) -> list[str]:
    """Return the tasks with a value in a column; archives of version 0.1 do not have it."""
    return sorted(set(rows.task[rows[column] == value])) if column in rows else []


def lowest_target(rows: pd.DataFrame) -> str:
    """Name the lowest target of the regret, without a full stop.

    See ``lowest_target`` of ``analysis.statistics.regret_targets``.

    Args:
        rows: rows of the tidy table.
    """
    floors = rows.groupby("task").loss_floor.first()
    of_study = set(_tasks_with(rows, "best", "study"))
    replayed = "resolution" in rows and (rows.resolution > 0).any()
    error = ", or the error of the replay if that is larger" if replayed else ""
    kinds = {
        f"{EXAMPLES} times the loss floor of the task ({EXAMPLES // 2} validation examples, where "
        f"the loss is an error rate){error}": [
            task for task, floor in floors.items() if floor > 0 and task not in of_study
        ],
        f"{EXAMPLES * FINEST:g} of the median regret of the first incumbents": [
            task for task, floor in floors.items() if floor > 0 and task in of_study
        ],
        "the lowest positive regret": [task for task, floor in floors.items() if not floor > 0],
    }
    said = {words: ", ".join(map(str, tasks)) for words, tasks in kinds.items() if tasks}
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{words} on {tasks}" for words, tasks in said.items())


def not_compared(rows: pd.DataFrame, rule: str, otherwise: str) -> str:
    """Return why methods cannot be compared, as a sentence without a full stop.

    Args:
        rows: rows of the tidy table.
        rule: one of ``analysis.data.tidy.RULES``.
        otherwise: the reason if there are two methods, and regrets are known.
    """
    if rows.empty or rows.method.nunique() < 2:
        return "there are no two methods to compare"
    unknown = sorted(set(rows.task[rows[f"regret_{rule}"].isna()]))
    if unknown:
        return f"the regret is not known on {', '.join(unknown)}, and elsewhere {otherwise}"
    return otherwise


def ended_early(rows: pd.DataFrame, how: str) -> str:
    """Name the methods with runs that the limit on trials ended, in one sentence.

    Args:
        rows: rows of the tidy table.
        how: how the figure treats such runs, for example ``count as failures``.

    Returns:
        A sentence after a space, to append to a caption; empty if there are no such runs.
    """
    stopped = ordered(rows[rows.stopped_by == "trials"].method)
    names = ", ".join(stopped)
    return f" Runs that the limit on trials ended ({names}) {how}." if stopped else ""


def unlike_budgets(rows: pd.DataFrame) -> str:
    """Name the tasks whose runs had different budgets; empty if there are none."""
    budgets = rows.groupby("task").budget
    unlike = budgets.max() > budgets.min() * (1 + 1e-9)
    names = list(unlike[unlike].index)
    where = ", ".join(names)
    return f" On {where}, budgets differ between runs; shares are of the largest." if names else ""
