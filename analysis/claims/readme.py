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
            "measured here": "; ".join(map(_measured, shown.to_dict("records"))),
            "verdict": overall(list(claim.verdict)),
        })  # fmt: skip
    return to_markdown(pd.DataFrame(rows))


def _measured(row: Mapping[str, object]) -> str:
    where = " ".join(str(row[name]) for name in ("method", "task") if row[name])
    return f"{where} {row['says']}"


def budgets(results: Path, study: str, task: str) -> str:
    """Return the rows of K, delivered, of a study's table of fixed budgets.

    Args:
        results: the folder with the studies.
        study: name of the study.
        task: name of the task.
    """
    path = results / study / "tables" / f"fixed_budgets-{task}.csv"
    data = pd.read_csv(path, keep_default_na=False, dtype=str)
    rows = data[data.measure == MEASURE].drop(columns="measure")
    known = rows.loc[:, [name == "method" or (rows[name] != "-").any() for name in rows]]
    return to_markdown(known.rename(columns={n: f"{n} trainings" for n in known if n != "method"}))


def parts(results: Path) -> dict[str, Callable[[], str]]:
    """Return what writes each part, by its name."""
    made: dict[str, Callable[[], str]] = {"claims": partial(claims, results)}
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
