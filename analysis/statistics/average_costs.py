"""Average cost to a target (COCO's aRT), ratios of it, and how sure either is.

Hansen et al., arXiv:1605.03560, section "Averaging Runtime"; when a target counts as reached:
``analysis.statistics.regret_targets``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator

from analysis.data.load import Array
from analysis.statistics.regret_targets import HALF

COMPARED_TO = ("random", "ei")
TAIL = 0.025  # of a resampled statistic, on either side: 95 % intervals
RESAMPLES = 2000
SEED = 20190318  # of the bootstrap, unless a generator is given


def average_costs(
    runs: pd.DataFrame, rng: Generator | None = None, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """The aRT of each method and target: cost of all runs over the number of successes.

    It is what a method costs on average if it is started anew until it succeeds.

    Args:
        runs: what ``analysis.statistics.regret_targets.reached`` returned.
        rng: of the bootstrap.
        resamples: of whole runs; the intervals are percentiles, 95 %.

    Returns:
        One row a method and target: ``runs``, ``successes``, ``share``; ``art`` (seconds; infinite
        without success), its ``low`` and ``high`` (NaN for a single run; infinite where so many
        resamples have no success); ``at_least`` (seconds), the cost of all runs over their number:
        it takes each failure to need no more than it spent, so the mean cost to the target is
        above it; ``bound``, true where under half of the runs succeed: quote ``> at_least`` then.
    """
    rng = rng or np.random.default_rng(SEED)
    found = []
    for (method, target), group in runs.groupby(["method", "target"], sort=False):
        cost, hit = _arrays(group)
        low, high = _interval(_art(*_resampled(_draws(len(cost), resamples, rng), cost, hit)))
        if len(cost) < 2:
            low = high = np.nan
        found.append({
            "method": method, "target": target, "runs": len(hit), "successes": int(hit.sum()),
            "share": hit.mean(), "art": float(_art(cost.sum(), hit.sum())), "low": low,
            "high": high, "at_least": cost.mean(), "bound": bool(hit.mean() < HALF),
        })  # fmt: skip
    return pd.DataFrame(found)


def ratios(
    runs: pd.DataFrame,
    references: Sequence[str] = COMPARED_TO,
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """The aRT of each method over that of a reference: below 1, the method is cheaper.

    Both over the seeds that they share, which are resampled together: on the same seed, methods
    meet the same noise, and some the same initial design. A resample in which the method never
    succeeds gives an infinite ratio, one in which the reference never does gives 0; one in which
    neither does could be anything, and counts as 0 for the lower end and as infinite for the upper.

    Where under half of the runs of one of the two succeed, its aRT rests on few lucky runs and on
    how long the others were allowed to go on. What can be said is that its mean cost to the target
    is above ``at_least`` (see ``average_costs``). So with the method below half, the ratio is
    ``> at_least / art of the reference``; with the reference below half it is
    ``< art / at_least of the reference``; with both below half nothing is known. Each bound has
    its own error from the finite number of seeds: ``low`` of a ``>`` and ``high`` of a ``<`` are
    its 95 % percentile on the careful side.

    Args:
        runs: what ``analysis.statistics.regret_targets.reached`` returned.
        references: names of methods, also of one with overridden options if there is none without;
            those without runs, or without a common seed, are left out.
        rng: of the bootstrap.
        resamples: their number.

    Returns:
        One row a method, reference and target: ``seeds`` (common ones), ``share``,
        ``reference_share`` (of successes among them), ``sign`` (``=``, ``>``, ``<`` or ``?``),
        ``ratio``, ``low``, ``high`` (``low`` and ``high`` NaN for one seed), and ``says``, the same
        in words.
    """
    rng = rng or np.random.default_rng(SEED)
    found = []
    for target, rows in runs.groupby("target", sort=False):
        by_method = {name: group.set_index("seed") for name, group in rows.groupby("method")}
        for reference in filter(None, (_named(name, by_method) for name in references)):
            for method in sorted(by_method.keys() - {reference}):
                a, b = by_method[method], by_method[reference]
                seeds = sorted(set(a.index) & set(b.index))
                if seeds:
                    row = _ratio(_arrays(a.loc[seeds]), _arrays(b.loc[seeds]), rng, resamples)
                    found.append({"method": method, "reference": reference, "target": target} | row)
    frame = pd.DataFrame(found, columns=["method", "reference", "target", *_COLUMNS])
    by = ["reference", "target", "method"]
    return frame.sort_values(by, ascending=[True, False, True], ignore_index=True)


def _named(reference: str, methods: Iterable[str]) -> str | None:
    """A method of that name, or else with options overridden (``random,task.fidelity=...``)."""
    known = sorted(methods)
    if reference in known:
        return reference
    return next((name for name in known if name.partition(",")[0] == reference), None)


_COLUMNS = ["seeds", "share", "reference_share", "sign", "ratio", "low", "high", "says"]


def _ratio(
    a: tuple[Array, Array], b: tuple[Array, Array], rng: Generator, resamples: int
) -> dict[str, object]:
    share, other = float(a[1].mean()), float(b[1].mean())
    sign = {(True, True): "=", (False, True): ">", (True, False): "<", (False, False): "?"}[
        share >= HALF, other >= HALF
    ]
    row: dict[str, object] = {"seeds": len(a[0]), "share": share, "reference_share": other}
    if sign == "?":
        says = "not known"
        return row | {"sign": sign, "ratio": np.nan, "low": np.nan, "high": np.nan, "says": says}
    n, one = len(a[0]), np.ones(len(a[0]))
    top, bottom = (a[0], one if sign == ">" else a[1]), (b[0], one if sign == "<" else b[1])
    value = float(_art(top[0].sum(), top[1].sum()) / _art(bottom[0].sum(), bottom[1].sum()))
    draws = _draws(n, resamples, rng)
    upper, lower = _art(*_resampled(draws, *top)), _art(*_resampled(draws, *bottom))
    with np.errstate(invalid="ignore"):
        low, high = _interval(upper / lower)  # infinite over infinite: NaN
    low, high = (0.0 if sign == "<" else low), (np.inf if sign == ">" else high)
    if n < 2:
        low = high = np.nan
        says = f"{value:.2g}" if sign == "=" else f"{sign} {value:.2g}"
    elif sign == "=":
        says = f"{value:.2g} ({low:.2g} to {high:.2g})"
    else:
        says = f"{sign} {value:.2g} (95 %: {sign} {low if sign == '>' else high:.2g})"
    return row | {"sign": sign, "ratio": value, "low": low, "high": high, "says": says}


def _arrays(group: pd.DataFrame) -> tuple[Array, Array]:
    return group.cost.to_numpy(dtype=float), group.reached.to_numpy(dtype=float)


def _draws(n: int, resamples: int, rng: Generator) -> Array:
    """How often each of ``n`` runs is drawn, shape ``(resamples, n)``."""
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)


def _resampled(draws: Array, cost: Array, hit: Array) -> tuple[Array, Array]:
    return draws @ cost, draws @ hit


def _art(cost: Array, successes: Array) -> Array:
    # a draw without success sums to exactly 0
    return np.where(successes > 0, cost / np.maximum(successes, 1), np.inf)


def _interval(values: Array) -> tuple[float, float]:
    """95 % interval from order statistics: infinite values cannot be interpolated."""
    low = np.quantile(np.where(np.isnan(values), 0, values), TAIL, method="lower")
    high = np.quantile(np.where(np.isnan(values), np.inf, values), 1 - TAIL, method="higher")
    return float(low), float(high)
