"""Lines of a card on how well a replay ranks held-out configs at the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.replay.rank_check import BARS, RankCheck


def rank_lines(checks: Mapping[str, Sequence[RankCheck]]) -> list[str]:
    """Return a table of rank correlations with their intervals and bars; empty without checks.

    Args:
        checks: by surrogate, or ``replay`` where there is one.
    """
    rows = [_row(name, check) for name, found in checks.items() for check in found]
    if not rows:
        return []
    bars = ", ".join(f"{bar:g} for {group}" for group, bar in BARS.items())
    return [
        "Ranks at the target: Spearman's correlation of recorded and replayed losses of held-out "
        f"configs, with bootstrap intervals of 95 %. Bars: {bars}.",
        "",
        "| replay | held-out configs | rank correlation | 95 % interval | bar |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


def _row(name: str, check: RankCheck) -> str:
    missed = "**missed**" if check.missed else "met"
    return (
        f"| {name} | {check.group} ({check.configs}) | {check.rank:.3f} "
        f"| {check.low:.3f} to {check.high:.3f} | {BARS[check.group]:g} {missed} |"
    )
