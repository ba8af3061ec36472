"""Terminal output of a run: a progress bar (lines if not on a terminal), and a closing table."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.budget import LIMITS, Unit
from benchmarks.core.records import RunMeta, TrialRow
from benchmarks.engines.evaluate import one_line

REASONS = 3
"""number of reasons of failed trials that the closing table shows"""


def number(value: float | None, digits: int = 4) -> str:
    """Format a number for people; a dash for None."""
    return "-" if value is None else f"{value:.{digits}g}"


def seconds(value: float) -> str:
    """Format a duration, given in seconds, in a suitable unit."""
    for size, unit in ((3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.2f} s"


def reasons(rows: Sequence[TrialRow]) -> dict[str, int]:
    """Return why trials were not ok, with their numbers, the most frequent reason first."""
    bad = [row for row in rows if row["status"] != "ok"]
    texts = [f"{row['status']}: {row.get('info', {}).get('error', 'no reason')}" for row in bad]
    return dict(Counter(map(one_line, texts)).most_common())


def limit_text(limit: str, amount: float, unit: Unit | None) -> str:
    """Say a limit of the budget for people: ``2 trainings of a good config (52.9 s each)``.

    Args:
        limit: its name, one of ``benchmarks.budget.LIMITS``.
        amount: its value.
        unit: cost of a full training, see ``Budget.unit``; None if not known yet.
    """
    if limit == "trials":
        return f"{amount:g} trials"
    if limit == "cost":
        return f"a cost of {seconds(amount)}"
    if limit == "nominal":
        return f"a nominal cost of {amount:g} full trainings"
    if unit is None:
        return f"{amount:g} full trainings (of a cost to be measured)"
    good = unit.good if limit == "trainings" else None
    cost = unit.seconds if good is None else good
    words = "full trainings" if good is None else "trainings of a good config"
    each = f"{cost:.3g} s" if cost < 2 * 60 else seconds(cost)
    return f"{amount:g} {words} ({each} each)"


def limits_text(asked: Mapping[str, Any], unit: Unit | None) -> str:
    """Say all limits of a budget, as in ``limit_text``.

    Args:
        asked: the budget, by limit; None for no limit.
        unit: as in ``limit_text``.
    """
    named = {limit: asked[limit] for limit in LIMITS if asked.get(limit) is not None}
    return " or ".join(limit_text(limit, amount, unit) for limit, amount in named.items())


class Reporter:
    """Shows the progress of a run; use in a ``with`` block."""

    def __init__(
        self,
        title: str,
        trials: float | None,
        best_loss: float | None,
        done: int = 0,
        until: str = "",
    ) -> None:
        """Prepare the display.

        Args:
            title: title of the run.
            trials: largest possible number of trials; None if not known.
            best_loss: that of the task, to show regret; None if not known.
            done: number of trials that ended before this start.
            until: when the run will end, see ``limits_text``.
        """
        self._title, self._best_loss = title, best_loss
        self._until = f", until {until}" if until else ""
        self._trials = None if trials is None else int(trials)
        self._bar: Progress | None = None
        self._done = done
        if sys.stdout.isatty():
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[state]}", markup=False),
            )

    def __enter__(self) -> Reporter:
        print(f"{self._title}{self._until}", flush=True)
        if self._bar is not None:
            self._bar.start()
            self._bar.add_task(self._title, total=self._trials, state="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, row: TrialRow) -> None:
        """Show one more trial: in the bar, or as a line after each tenth of the trials."""
        self._done += 1
        done = self._done
        state = f"cost {seconds(row['cumulative_cost'])}"
        regret = regret_of(row, self._best_loss)
        if regret is not None:
            state += f", regret {number(regret)}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, state=state)
            return
        step = max(1, (self._trials or 100) // 10)
        if done % step == 0 or done == self._trials:
            print(f"trial {done}/{self._trials or '?'}: {state}", flush=True)


def regret_of(row: TrialRow, best_loss: float | None) -> float | None:
    """Return the regret of the recommended config at full fidelity; None if not known."""
    loss = row["recommended_loss"]
    return None if loss is None or best_loss is None else loss - best_loss


def closing_table(rows: Sequence[TrialRow], meta: RunMeta, folder: Path, plot: Path | None) -> None:
    """Print the incumbent of a run, its cost, and the paths of its files.

    Args:
        rows: all rows of the trace, at least one.
        meta: content of ``meta.json``.
        folder: folder of the run.
        plot: path of its regret plot; None without one.
    """
    last, by_number = rows[-1], {row["trial"]: row for row in rows}
    config = last["recommended"]
    table = Table(
        title=f"{meta.get('method')} on {meta['task']}, seed {meta.get('seed')}", show_header=False
    )
    text = "none yet" if not config else ", ".join(f"{k}={show(v)}" for k, v in config.items())
    table.add_row("incumbent (recommended)", text)
    at_target = last["best_at_target"]
    if last["recommended_loss"] is not None:
        table.add_row("its validation error", number(last["recommended_loss"]))
        if last["recommended_test_loss"] is not None:
            table.add_row("its test error", number(last["recommended_test_loss"]))
        table.add_row("its regret", number(regret_of(last, meta["task_facts"]["best_loss"])))
    elif last["best_seen"] is not None:
        best = by_number[last["best_seen"]]
        share = f"fidelity {best['fidelity']:.4g}"
        test = "" if best["test_loss"] is None else f", test error {number(best['test_loss'])}"
        table.add_row("lowest loss seen", f"{number(best['loss'])} at {share}{test}")
    if last["recommended_test_loss_refit"] is not None:
        table.add_row("its test error, refitted", number(last["recommended_test_loss_refit"]))
    if at_target is not None:
        table.add_row("lowest loss seen at the target", number(by_number[at_target]["loss"]))
    table.add_row("cost spent", f"{seconds(last['cumulative_cost'])} in {len(rows)} trials")
    workers = len({row["worker"] for row in rows})
    if workers > 1:
        table.add_row("wall-clock", f"{seconds(last['end'])} on {workers} workers")
    overheads = [row["suggest_overhead"] + row["recommend_overhead"] for row in rows]
    table.add_row(
        "overhead", f"{seconds(sum(overheads))}, {sum(overheads) / len(rows):.3f} s a trial"
    )
    bad = reasons(rows)
    if bad:
        table.add_row("not ok", "; ".join(f"{n} {why}" for why, n in list(bad.items())[:REASONS]))
    table.add_row("ended by", f"budget.{meta.get('stopped_by')}")
    limit = _limit_reached(meta)
    if limit is not None:
        table.add_row("which was", limit)
    unit = meta.get("unit")
    if unit is not None and meta.get("unit_from") != "the task":
        text = f"{seconds(unit)}: {meta.get('unit_from')}"
        table.add_row("a full training costs", text)
    table.caption = meta["task_facts"].get("caption") or None
    console = Console(soft_wrap=True, markup=False)  # names may look like markup
    console.print(table)
    console.print(f"trace: {folder / 'trace.jsonl'}", highlight=False)
    if plot is not None:
        console.print(f"regret plot: {plot}", highlight=False)


def _limit_reached(meta: RunMeta) -> str | None:
    """Return the limit that ended a run, in the words of ``limit_text``; None if not known."""
    name, budgets, unit = meta.get("stopped_by") or "", meta.get("budgets"), None
    amount = budgets[-1].get(name) if budgets else None
    if amount is None:
        return None
    cost = meta.get("unit")
    if cost is not None:
        stated = budgets[-1].get("target_cost") if budgets else None
        good = None if stated else meta["task_facts"].get("good_cost")
        unit = Unit(cost, meta.get("unit_from", ""), good)
    return limit_text(name, amount, unit)


def show(value: Any) -> str:
    """Format the value of a hyperparameter for people."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
