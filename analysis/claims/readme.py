"""The parts of README that hold results: written from CSV files, never by hand.

A part stands between ``<!-- results: NAME -->`` and ``<!-- end of results -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.claims.judge import NOT_MEASURED
from analysis.claims.page import overall
from analysis.page.fixed_budget_table import NOTHING
from analysis.page.tables import to_markdown

PART = re.compile(r"(<!-- results: (?P<name>[\w ]+) -->\n)(.*?)(<!-- end of results -->)", re.S)
MEASURE = "K, delivered"
QUOTED = (("svm_paper", "svm_mnist"), ("svm_paper", "svm_covertype"), ("cars_talk", "cars_head"))
"""studies and tasks whose tables of fixed budgets README quotes"""


def claims(results: Path) -> str:
    """Return a table of the claims: what was measured at the finest target, and the verdict.

    Args:
        results: the folder with ``claims.csv``.
    """
    data = pd.read_csv(results / "claims.csv", keep_default_na=False)
    rows = []
    for _, claim in data.groupby("claim", sort=False):
        shown = claim[claim.verdict != NOT_MEASURED]
        # the last row of a method and task has the finest target or the largest budget
        shown = shown.groupby(["method", "task"], sort=False).tail(1)
        rows.append({
            "slide": claim.slide.iloc[0],
            "claim": claim.text.iloc[0],
            "number": claim.number.iloc[0],
            "measured here": "; ".join(map(_measured, shown.to_dict("records"))),
            "verdict": overall(list(claim.verdict)),
        })  # fmt: skip
    return to_markdown(pd.DataFrame(rows))


def _measured(row: Mapping[str, object]) -> str:
    where = " ".join(str(row[name]) for name in ("method", "task") if row[name])
    return f"{where} {row['says']}"


def budgets(results: Path, study: str, task: str) -> str:
    """Return a study's table of K, delivered, at fixed budgets, below what a training costs.

    Args:
        results: the folder with the studies.
        study: name of the study.
        task: name of the task.
    """
    path = results / study / "tables" / f"fixed_budgets-{task}.csv"
    data = pd.read_csv(path, keep_default_na=False, dtype=str)
    rows = data[data.measure == MEASURE].drop(columns="measure")
    costs = pd.read_csv(results / "random_configs" / "summary.csv", index_col="task").loc[task]
    head = (
        f"`{task}`: a training of a good config takes {costs.good_cost:.3g} s, the median over all "
        f"configs is {costs.target_cost:.3g} s.\n\n"
    )
    known = rows.loc[:, [name == "method" or (rows[name] != NOTHING).any() for name in rows]]
    return head + to_markdown(
        known.rename(columns={n: f"{n} training{'s' * (n != '1')}" for n in known if n != "method"})
    )


def first_run(results: Path) -> str:
    """Return the caption of the picture that README's first command ends with.

    Args:
        results: the folder with ``first_run/facts.csv``.
    """
    facts = pd.read_csv(results / "first_run" / "facts.csv", dtype=str).iloc[0]
    return (
        f"*One run, not a comparison: seed {facts.seed} at commit {facts.commit} on "
        f"{facts.machine}, replaying recorded trainings. It ends at the cost of two trainings of a "
        f"good config: {facts.minutes} minutes of recorded training time in {facts.trials} trials. "
        "The recommended config then has, by interpolation between recorded trainings, a "
        f"validation error of {facts.loss} and a test error of {facts.test_loss}; the best known "
        f"has {facts.best_loss}. Regret in the grey band is below what the interpolation errs by.*"
        "\n"
    )


def parts(results: Path) -> dict[str, Callable[[], str]]:
    """Return what writes each part, by its name."""
    made: dict[str, Callable[[], str]] = {
        "claims": partial(claims, results),
        "first run": partial(first_run, results),
    }
    for study, task in QUOTED:
        made[f"{study} {task}"] = partial(budgets, results, study, task)
    return made


def rewritten(text: str, results: Path) -> str:
    """Return README with its parts written anew.

    Raises:
        ValueError: a part has a name that nothing writes.
    """
    made = parts(results)

    def write(part: re.Match[str]) -> str:
        name = part["name"]
        if name not in made:
            raise ValueError(f"results: {name}: no such part (there are {', '.join(made)})")
        return f"{part[1]}\n{made[name]()}\n{part[4]}"

    return PART.sub(write, text)
