"""Average cost to a target (COCO's average runtime, aRT), its ratios, and confidence intervals.

See Hansen et al., arXiv:1605.03560, section "Averaging Runtime". The module
``analysis.statistics.regret_targets`` defines when a target counts as reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator

from analysis.data.load import Array
from analysis.statistics.regret_targets import HALF

COMPARED_TO = ("random", "ei")
"""methods that the others are compared to in ratios of average cost"""
TAIL = 0.025  # probability outside a confidence interval on either side: 95 % intervals
RESAMPLES = 2000
SEED = 20190318  # seed of the bootstrap if the caller passes no generator


def average_costs(
    runs: pd.DataFrame, rng: Generator | None = None, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Compute the aRT of each method and target: total cost of all runs per successful run.

    It estimates the expected cost of a method that is restarted until it succeeds.

    Args:
        runs: result of ``analysis.statistics.regret_targets.reached``.
        rng: random generator of the bootstrap; by default one with the seed ``SEED``.
        resamples: number of bootstrap resamples of whole runs, for 95 % percentile intervals.

    Returns:
        One row per method and target. ``runs``, ``successes``, ``share`` (successes per run, in
        [0, 1]). ``art``: seconds, infinite without a success. ``low`` and ``high``: its 95 %
        confidence interval, NaN for a single run, infinite if too many resamples have no success.
        ``at_least``: total cost of all runs per run, in seconds, a lower bound of the mean cost to
        the target, because a failure needs more than it spent. ``bound``: True if fewer than half
        of the runs succeed; report ``> at_least`` then.
    """
    rng = rng or np.random.default_rng(SEED)
    records = []
    for (method, target), group in runs.groupby(["method", "target"], sort=False):
        cost, hit = _arrays(group)
        low, high = _interval(_art(*_resampled(_draws(len(cost), resamples, rng), cost, hit)))
        if len(cost) < 2:
            low = high = np.nan
        records.append({
            "method": method, "target": target, "runs": len(hit), "successes": int(hit.sum()),
            "share": hit.mean(), "art": float(_art(cost.sum(), hit.sum())), "low": low,
            "high": high, "at_least": cost.mean(), "bound": bool(hit.mean() < HALF),
        })  # fmt: skip
    return pd.DataFrame(records)


def ratios(
    runs: pd.DataFrame,
    references: Sequence[str] = COMPARED_TO,
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Compute the ratio of the aRT of each method to that of a reference method.

    Below 1, the method is cheaper. Only seeds that both methods have are used, and they are
    resampled in pairs: with the same seed, all methods see the same noise, and some share the
    initial design. The ratio of a resample is infinite if the method never succeeds in it, and 0
    if the reference never does; if neither succeeds, it is undefined and counts as 0 for the lower
    limit and as infinite for the upper limit.

    If fewer than half of the runs of a method succeed, its aRT depends on a few lucky runs and on
    the budget of the others; only the lower bound ``at_least`` (see ``average_costs``) is then
    used. If this holds for the method, the ratio is ``> at_least / art of the reference``; if for
    the reference, it is ``< art / at_least of the reference``; if for both, it is not known. The
    bounds vary with the seeds, too: ``low`` of a ``>`` and ``high`` of a ``<`` are their 95 %
    percentiles on the conservative side.

    Args:
        runs: result of ``analysis.statistics.regret_targets.reached``.
        references: names of the reference methods. A name also stands for a variant with
            overridden options if the method itself has no runs. References without runs, or
            without a seed in common with the method, are skipped.
        rng: random generator of the bootstrap; by default one with the seed ``SEED``.
        resamples: number of bootstrap resamples.

    Returns:
        One row per method, reference and target. ``seeds``: number of common seeds. ``share`` and
        ``reference_share``: share of successes of either method, in [0, 1]. ``sign``: ``=``,
        ``>``, ``<`` or ``?``. ``ratio``, ``low``, ``high``: ratio or bound and its 95 % confidence
        interval, NaN if not known; ``low`` and ``high`` are NaN for a single seed. ``says``: the
        same as text.
    """
    rng = rng or np.random.default_rng(SEED)
    records = []
    for target, rows in runs.groupby("target", sort=False):
        by_method = {name: group.set_index("seed") for name, group in rows.groupby("method")}
        for reference in filter(None, (_named(name, by_method) for name in references)):
            for method in sorted(by_method.keys() - {reference}):
                a, b = by_method[method], by_method[reference]
                seeds = sorted(set(a.index) & set(b.index))
                if seeds:
                    row = _ratio(_arrays(a.loc[seeds]), _arrays(b.loc[seeds]), rng, resamples)
                    names = {"method": method, "reference": reference, "target": target}
                    records.append(names | row)
    frame = pd.DataFrame(records, columns=["method", "reference", "target", *_COLUMNS])
    by = ["reference", "target", "method"]
    return frame.sort_values(by, ascending=[True, False, True], ignore_index=True)


def _named(reference: str, methods: Iterable[str]) -> str | None:
    """Find a method by name, or else its first variant (``random,task.fidelity=...``)."""
    names = sorted(methods)
    if reference in names:
        return reference
    return next((name for name in names if name.partition(",")[0] == reference), None)


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
    n, ones = len(a[0]), np.ones(len(a[0]))
    top, bottom = (a[0], ones if sign == ">" else a[1]), (b[0], ones if sign == "<" else b[1])
    value = float(_art(top[0].sum(), top[1].sum()) / _art(bottom[0].sum(), bottom[1].sum()))
    draws = _draws(n, resamples, rng)
    upper, lower = _art(*_resampled(draws, *top)), _art(*_resampled(draws, *bottom))
    with np.errstate(invalid="ignore"):
        low, high = _interval(upper / lower)  # infinite divided by infinite is NaN
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
    """Draw how often each of ``n`` runs occurs in each resample, shape ``(resamples, n)``."""
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)


def _resampled(draws: Array, cost: Array, hit: Array) -> tuple[Array, Array]:
    return draws @ cost, draws @ hit


def _art(cost: Array, successes: Array) -> Array:
    # the number of successes is an exact 0 in a resample without any
    return np.where(successes > 0, cost / np.maximum(successes, 1), np.inf)


def _interval(values: Array) -> tuple[float, float]:
    """Return the 95 % interval by order statistics, as infinite values cannot be interpolated."""
    low = np.quantile(np.where(np.isnan(values), 0, values), TAIL, method="lower")
    high = np.quantile(np.where(np.isnan(values), np.inf, values), 1 - TAIL, method="higher")
    return float(low), float(high)
