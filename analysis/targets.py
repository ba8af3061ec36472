"""Cost to a target: how much a method spends until its incumbent's regret is at a given level.

After COCO (Hansen et al., arXiv:1605.03560): runtime is the one measure with a meaning of
its own. Ours is cost in seconds, not a number of evaluations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator

from analysis.load import Array, place_reached
from analysis.steps import clock_of
from analysis.summary import EXAMPLES

LADDER = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""regrets that may be targets, of which those within reach are shown"""
REFERENCES = ("random", "ei")
HALF = 0.5  # under this share of successes, only bounds are given
TAIL = 0.025  # of a resampled statistic, on either side: 95 % intervals
RESAMPLES = 2000
SEED = 20190318  # of the bootstrap, unless a generator is given


def rows_of(table: pd.DataFrame, task: str, rule: str = "recommended") -> pd.DataFrame:
    """The rows of one task in the tidy table.

    Raises:
        ValueError: there are none, or the regret of the rule is not known.
    """
    rows = table[table.task == task] if len(table) else table
    if not len(rows):
        raise ValueError(f"no trials on {task}")
    if rows[f"regret_{rule}"].isna().any():
        raise ValueError(f"the best loss of {task} is not known: no regret, no targets")
    return rows


def unit_of(rows: pd.DataFrame) -> tuple[float, str]:
    """Seconds of one full training of a task, and what to call it; a second where not known."""
    cost = float(rows.target_cost.iloc[0])
    return (cost, "full trainings") if np.isfinite(cost) and cost > 0 else (1.0, "seconds")


def allowed(rows: pd.DataFrame, targets: Sequence[float]) -> list[float]:
    """The targets, largest first, without those below three validation examples."""
    floor = EXAMPLES * float(rows.loss_floor.iloc[0])
    return sorted({float(t) for t in targets if t >= floor * (1 - 1e-9)}, reverse=True)


def ladder(rows: pd.DataFrame, rule: str = "recommended", count: int = 51) -> list[float]:
    """Targets of an ECDF, largest first: evenly spaced in log regret, as in COCO.

    From the median over runs of the regret of their first incumbent, down to three validation
    examples (or to the lowest regret, if that is known exactly).
    """
    column = f"regret_{rule}"
    known = rows[np.isfinite(rows[column])]
    if not len(known):
        return []
    first = float(known.groupby(["method", "seed"])[column].first().median())
    floor = EXAMPLES * float(rows.loss_floor.iloc[0])
    positive = known[column][known[column] > 0]
    last = floor if floor > 0 else float(positive.min()) if len(positive) else first
    return [float(t) for t in np.geomspace(max(first, last), last, count if first > last else 1)]


def reached(
    table: pd.DataFrame,
    task: str,
    targets: Sequence[float],
    clock: str = "cost",
    rule: str = "recommended",
) -> pd.DataFrame:
    """When each run had an incumbent at or below each target for good, that is, to its end.

    Nobody who tunes sees true regret, so an incumbent that touches a target and gets worse again is
    of no use; and methods that change their incumbent often touch more targets by chance. Since a
    run's end is part of this, ``first`` says when it first touched the target: the truth lies
    between both. A run that does not get there is a failure that has spent all it spent, be it
    stopped by its budget or by a number of trials.

    Args:
        table: as ``analysis.tidy.tidy`` makes it.
        task: its name.
        targets: regrets (a difference of losses); those below three validation examples are left
            out.
        clock: one of ``analysis.steps.CLOCKS``.
        rule: one of ``analysis.tidy.RULES``.

    Returns:
        One row a method, seed and target: ``reached``; ``cost`` (seconds) and ``trials`` until
        then, or until the end of the run; ``spent`` (seconds until the end of the run); ``first``
        (seconds until the first touch; NaN without one); of parallel runs, NaN of serial ones,
        ``wall`` (seconds on the run's clock until then) and ``workers``.
    """
    rows = rows_of(table, task, rule)
    found = []
    for (method, seed), run in rows.groupby(["method", "seed"], sort=True):
        regret = run[f"regret_{rule}"].to_numpy(dtype=float)
        parallel = run.workers.iloc[0] > 1
        walls = run.end.to_numpy(dtype=float) if parallel else np.full(len(run), np.nan)
        workers = run.workers.iloc[0] if parallel else np.nan
        times = clock_of(run, clock)
        for target in allowed(rows, targets):
            place = place_reached(regret, target)
            last = len(run) - 1 if place is None else place
            there = regret <= target
            first = times[int(there.argmax())] if there.any() else np.nan
            found.append((
                method, seed, target, place is not None, times[last], last + 1, times[-1], first,
                walls[: last + 1].max(), workers,
            ))  # fmt: skip
    names = [
        "method", "seed", "target", "reached", "cost", "trials", "spent", "first", "wall", "workers"
    ]  # fmt: skip
    return pd.DataFrame(found, columns=names)


def touched(runs: pd.DataFrame) -> pd.DataFrame:
    """What ``reached`` returned, with the first touch of a target in place of staying there."""
    there = runs["first"].notna()
    return runs.assign(reached=there, cost=runs["first"].where(there, runs.spent))


def within_reach(
    table: pd.DataFrame,
    task: str,
    clock: str = "cost",
    rule: str = "recommended",
    every: bool = False,
) -> list[float]:
    """The targets of ``LADDER``, largest first, that half of some method's runs reached; with
    ``every``, of each method's.
    """
    runs = reached(table, task, LADDER, clock, rule)
    if not len(runs):
        return []
    there = runs.groupby(["target", "method"]).reached.mean() >= HALF
    by_target = there.groupby("target")
    enough = by_target.all() if every else by_target.any()
    return sorted((float(t) for t in enough[enough].index), reverse=True)


def shown_targets(
    table: pd.DataFrame, task: str, clock: str = "cost", rule: str = "recommended"
) -> list[float]:
    """The three lowest targets within reach, and of fewer the next below, largest first."""
    near = within_reach(table, task, clock, rule)
    below = [t for t in allowed(rows_of(table, task, rule), LADDER) if not near or t < near[-1]]
    return [*near[-3:], *below[: 1 if len(near) < 3 else 0]]


def average_costs(
    runs: pd.DataFrame, rng: Generator | None = None, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """The aRT of each method and target: cost of all runs over the number of successes.

    COCO, section "Averaging Runtime".

    It is what a method costs on average if it is started anew until it succeeds.

    Args:
        runs: what ``reached`` returned.
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
    references: Sequence[str] = REFERENCES,
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
        runs: what ``reached`` returned.
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


def ecdf(runs: pd.DataFrame) -> pd.DataFrame:
    """Share of (run, target) pairs reached by a cost, as steps.

    COCO, section "Empirical Distribution Functions".

    Of the runs as they were, without COCO's simulated restarts: a curve need not reach 1.

    Args:
        runs: what ``reached`` returned.

    Returns:
        One row a step: ``method``, ``cost`` (seconds), ``share`` (from this cost on). The last row
        of a method is the end of its longest run.
    """
    found = []
    for method, pairs in runs.groupby("method", sort=True):
        costs, counts = np.unique(pairs.cost[pairs.reached], return_counts=True)
        shares = counts.cumsum() / len(pairs)
        end = float(pairs.spent.max())
        found += [(method, float(c), float(s)) for c, s in zip(costs, shares, strict=True)]
        found.append((method, end, float(shares[-1]) if len(shares) else 0.0))
    return pd.DataFrame(found, columns=["method", "cost", "share"])


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
