"""Measure the claims of the talk from the archives of studies, and judge each on every task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.claims import talk
from analysis.claims.talk import Claim
from analysis.data.random_configs import RandomConfigs
from analysis.data.study import Study, from_archive
from analysis.data.study_names import report_of
from analysis.page.fixed_budget_table import random_configs_of
from analysis.statistics.comparisons import (
    Measured,
    cheapest_config,
    cost_ratios,
    equivalent_ratio,
    reached_by_both,
)
from analysis.statistics.fixed_budget import at_budgets, summarised

HOLDS, FAILS, OPEN, NOT_MEASURED = "holds", "does not hold", "not shown", "not measured"
BUDGETS = (1.0, 3.0, 10.0, 20.0)
"""budgets of the claim on Hyperband, in trainings"""
PARALLEL_BUDGETS = (20.0, 50.0, 100.0)
"""the same of those with twenty workers: the first trainings end all at once"""
TIMES = 12920 / 220
"""the talk's ratio of numbers of observations, which it assumes"""
PROPORTIONAL = 0.8
"""share of a proportional speed-up from which on it counts as mostly proportional"""


class Verdict(NamedTuple):
    """What holds of a claim on one task."""

    claim: Claim
    method: str
    reference: str
    task: str
    study: str
    account: str
    """``found`` or ``delivered``; empty where costs play no part"""
    detail: str
    """at which target or budget"""
    measured: Measured | None
    verdict: str


def verdicts() -> list[Verdict]:
    """Judge all claims.

    A comparison whose study has no archive here, or whose measure is not known, is not measured.
    """
    found: list[Verdict] = []
    for claim in talk.RATIOS:
        found += _ratios(claim)
    for judge in (_fewer, _width, _converges, _bias, _multiply):
        found += list(judge())
    found += [
        Verdict(claim, "", "", "", "", "", "", None, NOT_MEASURED) for claim in talk.UNMEASURED
    ]
    return found


def at_most(claimed: float, measured: Measured) -> str:
    """Judge a ratio that is claimed to be at most ``claimed``, which is below 1.

    The claim holds if the measured ratio is at most the claimed one and its interval is below 1; it
    does not if the whole interval is above the claimed ratio; anything else is not shown.
    """
    if measured.sign == "?":
        return OPEN
    if measured.sign != ">" and measured.value <= claimed and measured.high < 1:
        return HOLDS
    return FAILS if measured.low > claimed else OPEN


def _ratios(claim: Claim) -> Iterator[Verdict]:
    for each in claim.comparisons:
        for task in each.tasks:
            base = Verdict(
                claim, each.method, each.reference, task, each.study, "", "", None, NOT_MEASURED
            )
            try:
                ratios = cost_ratios(_study(each.study).whole, task, each.method, each.reference)
            except ValueError as error:
                yield base._replace(detail=str(error))
                continue
            assert claim.at_most is not None
            for ratio in ratios:
                yield base._replace(
                    account=ratio.account,
                    detail=f"regret {ratio.target:g}; found: {ratio.found.text}",
                    measured=ratio.measured,
                    verdict=at_most(claim.at_most, ratio.measured),
                )


def _fewer() -> Iterator[Verdict]:
    """Yield, by budget, for how many random trainings one training of the search stands."""
    base = Verdict(
        talk.FEWER, "multitask", "", "cars_head", "talk_parallel", "delivered", "", None,
        NOT_MEASURED,
    )  # fmt: skip
    try:
        judged = at_budgets(
            _study("talk_parallel").whole, "cars_head", _random("talk_parallel", "cars_head"),
            PARALLEL_BUDGETS, "delivered",
        )  # fmt: skip
    except ValueError as error:
        yield base._replace(detail=str(error))
        return
    for row in summarised(judged[judged.method == "multitask"]).itertuples():
        each = Measured(row.k / row.budget, row.k_low / row.budget, row.k_high / row.budget)
        verdict = HOLDS if each.value >= TIMES and each.low > 1 else OPEN
        yield base._replace(
            detail=f"{row.budget:g} trainings",
            measured=each,
            verdict=FAILS if each.high < TIMES else verdict,
        )


def _width() -> Iterator[Verdict]:
    path = report_of("talk_speedup") / "figures" / "speedup.csv"
    for row in _rows(path, lambda data: data[data.workers == 20]):
        share = Measured(row["median"] / 20, row["lower"] / 20, row["upper"] / 20)
        holds = HOLDS if share.low >= PROPORTIONAL else FAILS if share.high < PROPORTIONAL else OPEN
        yield Verdict(
            talk.WIDTH, row["method"], "", row["task"], "talk_speedup", "",
            "20 workers; quartiles over seeds", share, holds,
        )  # fmt: skip


def _converges() -> Iterator[Verdict]:
    """Yield a verdict at each budget.

    K of Hyperband should come down to that of random search: where the interval of the ratio lies
    above 1 the claim does not hold; where it includes 1 nothing is shown.
    """
    for study, tasks in (("svm_paper", talk.SVM), ("cars_talk", talk.CARS)):
        for task in tasks:
            for budget in BUDGETS:
                base = Verdict(
                    talk.CONVERGES, "hyperband", "random", task, study, "delivered",
                    f"{budget:g} trainings", None, NOT_MEASURED,
                )  # fmt: skip
                try:
                    ratio = equivalent_ratio(
                        _study(study).whole, task, "hyperband", "random", budget,
                        _random(study, task),
                    )  # fmt: skip
                except ValueError as error:
                    yield base._replace(detail=str(error))
                    continue
                verdict = FAILS if ratio.low > 1 else OPEN
                yield base._replace(measured=ratio, verdict=verdict)


def _bias() -> Iterator[Verdict]:
    for task in talk.SVM:
        path = report_of("svm_paper") / "data" / f"maps_{task}.csv"
        base = Verdict(talk.BIAS, "", "", task, "svm_paper", "", "", None, NOT_MEASURED)
        if not path.is_file():
            yield base
            continue
        loss, fidelity = cheapest_config(pd.read_csv(path))
        random = _random("svm_paper", task)
        value = (loss - random.best_loss) / random.resolution
        verdict = HOLDS if value > 1 else FAILS
        measured = Measured(value, float("nan"), float("nan"))
        yield base._replace(detail=f"fidelity {fidelity:.3g}", measured=measured, verdict=verdict)


def _multiply() -> Iterator[Verdict]:
    """Yield, by method, the saving with 20 workers over that with one, both over random search.

    Both studies train every config from the start. Both savings are at the same target, the lowest
    one that half of the runs of both methods reach in both studies: savings grow as it falls.
    """
    studies = ("cars_restarts", "talk_parallel")
    for method in ("ei", "mtbo_talk", "fabolas_talk"):
        base = Verdict(
            talk.MULTIPLY, method, "random", "cars_head", "cars_restarts, talk_parallel", "", "",
            None, NOT_MEASURED,
        )  # fmt: skip
        try:
            pair = ("cars_head", method, "random")
            near = [reached_by_both(_study(study).whole, *pair) for study in studies]
            common = sorted(set(near[0]) & set(near[1]))
            if not common:
                raise ValueError("no target is reached both with one worker and with 20")
            one, twenty = (
                cost_ratios(_study(study).whole, *pair, common[:1])[0] for study in studies
            )
        except ValueError as error:
            yield base._replace(detail=str(error))
            continue
        both = one.measured, twenty.measured
        detail = f"regret {common[0]:g}; 20 workers {both[1].text}, one worker {both[0].text}"
        if any(ratio.sign != "=" for ratio in both):
            yield base._replace(account=one.account, detail=detail, verdict=OPEN)
            continue
        value = both[1].value / both[0].value
        apart = both[1].low > both[0].high
        overlap = both[1].low <= both[0].high and both[0].low <= both[1].high
        verdict = FAILS if apart else OPEN if overlap else HOLDS
        nan = float("nan")
        yield base._replace(
            account=one.account, detail=detail, measured=Measured(value, nan, nan), verdict=verdict
        )


@cache
def _study(name: str) -> Study:
    return from_archive(report_of(name))


@cache
def _random(study: str, task: str) -> RandomConfigs:
    return random_configs_of(_study(study).whole, task)


def _rows(path: Path, select: Callable[[pd.DataFrame], pd.DataFrame]) -> list[dict[str, Any]]:
    return select(pd.read_csv(path)).to_dict("records") if path.is_file() else []
