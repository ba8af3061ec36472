from __future__ import annotations

import csv
from pathlib import Path

import pytest

from analysis.claims.__main__ import main
from analysis.claims.judge import FAILS, HOLDS, NOT_MEASURED, OPEN, at_most, verdicts
from analysis.claims.page import COLUMNS, overall, rows_of, write
from analysis.statistics.comparisons import Measured

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (Measured(0.05, 0.02, 0.2), HOLDS),
        (Measured(0.2, 0.15, 0.3), FAILS),
        (Measured(0.2, 0.05, 0.3), OPEN),
        (Measured(0.05, 0.01, 1.2), OPEN),
        (Measured(0.05, 0.0, 0.09, "<"), HOLDS),
        (Measured(0.5, 0.2, float("inf"), ">"), FAILS),
        (Measured(0.5, 0.02, float("inf"), ">"), OPEN),
        (Measured(float("nan"), float("nan"), float("nan"), "?"), OPEN),
    ],
)
def test_a_claimed_tenth_is_judged_by_the_interval(measured: Measured, verdict: str) -> None:
    assert at_most(0.1, measured) == verdict


def test_verdicts_are_summed_up() -> None:
    assert overall([HOLDS, HOLDS]) == "holds"
    assert overall([HOLDS, OPEN, OPEN]) == "holds in 1 of 3, not shown in 2 of 3"


def test_the_committed_claims_are_those_of_the_committed_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    found = verdicts()
    names = {each.claim.name for each in found}
    assert {"multitask", "Fabolas", "58 times", "converges", "bias", "multiply"} <= names
    for path in write(found, tmp_path):
        assert path.read_text() == (ROOT / "results" / path.name).read_text()
    with (ROOT / "results/claims.csv").open() as file:
        assert next(csv.reader(file)) == list(COLUMNS)


def test_without_archives_everything_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis.claims import judge

    monkeypatch.chdir(tmp_path)
    judge._study.cache_clear()
    judge._random.cache_clear()
    assert set(rows_of(verdicts()).verdict) == {NOT_MEASURED}
    judge._study.cache_clear()


def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["study=x"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_savings_with_one_and_with_twenty_workers_are_those_at_the_same_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Finer targets are reached with 20 workers, which spend more, than with one."""
    from analysis.claims import judge

    monkeypatch.chdir(ROOT)
    judge._study.cache_clear()
    found = list(judge._multiply())
    assert len(found) == 3
    for each in found:
        target = float(each.detail.split(";")[0].removeprefix("regret "))
        pair = ("cars_head", each.method, "random")
        for study in ("cars_restarts", "talk_parallel"):
            (ratio,) = judge.cost_ratios(judge._study(study).whole, *pair, [target])
            assert ratio.measured.text in each.detail
