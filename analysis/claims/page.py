"""Write the verdicts on the claims of the talk as CSV and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.claims.judge import FAILS, HOLDS, NOT_MEASURED, OPEN, Verdict
from analysis.page.tables import to_markdown

COLUMNS = (
    "claim", "slide", "text", "measure", "number", "method", "reference", "task", "study",
    "account", "detail", "value", "low", "high", "says", "verdict",
)  # fmt: skip
HEAD = """# The claims of the talk

Written by `python -m analysis.claims`; do not edit. Each claim of "Tuning the Untunable" (SigOpt,
GTC 2019, S9313) beside what the archived studies measure, with 95 % intervals over seeds. A claimed
saving *holds* on a task if the measured ratio is at most the claimed one and its interval is below
1; it *does not hold* if the whole interval is above the claimed ratio; anything else is *not
shown*. Costs are *delivered*: they include the training that the recommended config still lacks at
the target ([definitions](../analysis/README.md#measures)). `>` and `<` mark bounds, where fewer
than half of the runs of a method reach the target.
"""


def rows_of(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return one row per verdict, with the columns ``COLUMNS``."""
    nan = float("nan")
    rows = []
    for each in verdicts:
        value, low, high, *_ = each.measured or (nan, nan, nan)
        says = each.measured.text if each.measured else ""
        claim = each.claim
        rows.append((
            claim.name, claim.slide, claim.text, claim.measure, claim.number, each.method,
            each.reference, each.task, each.study, each.account, each.detail, value, low, high,
            says, each.verdict,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def overall(verdicts: Sequence[str]) -> str:
    """Sum the verdicts of one claim up in a few words."""
    counts = [(name, list(verdicts).count(name)) for name in (HOLDS, FAILS, OPEN, NOT_MEASURED)]
    there = [(name, count) for name, count in counts if count]
    if len(there) == 1:
        return there[0][0]
    return ", ".join(f"{name} in {count} of {len(verdicts)}" for name, count in there)


def write(verdicts: Sequence[Verdict], folder: Path) -> list[Path]:
    """Write ``claims.csv`` and ``claims.md`` to a folder; return their paths."""
    data = rows_of(verdicts)
    paths = [folder / "claims.csv", folder / "claims.md"]
    rounded = data.assign(
        **{n: data[n].map(lambda v: f"{v:.4g}") for n in ("value", "low", "high")}
    )
    rounded.replace("nan", "").to_csv(paths[0], index=False, lineterminator="\n")
    lines = [HEAD]
    for _, rows in data.groupby("claim", sort=False):
        first = rows.iloc[0]
        lines += [
            f"## Slide {first.slide}: {first.text}",
            "",
            f"**{overall(list(rows.verdict)).capitalize()}.** Measured: {first.measure}.",
            "",
        ]
        shown = rows[["method", "reference", "task", "says", "account", "detail", "verdict"]]
        shown = shown.loc[:, (shown != "").any()]
        lines += [to_markdown(shown)] * bool((rows.verdict != NOT_MEASURED).any())
    paths[1].write_text("\n".join(lines))
    return paths
