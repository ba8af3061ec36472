"""Print one table per task of a study: ``python -m analysis.summary study=NAME``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.data.budgets import cut_runs, units
from analysis.data.escaping import code, markdown, markdown_line
from analysis.data.failures import failures_of_runs
from analysis.data.incumbents import bases, notes, regret_of
from analysis.data.load import Array, Run, cost_to_reach, load_runs, value_at
from analysis.data.study_names import available, has_archive, runs_of, study_of
from analysis.options import BUDGET, STUDY, Command, Option, asks_for_help, budget_of, refuse
from analysis.statistics.regret_targets import EXAMPLES, of_scale

COMMAND = Command(
    name="summary",
    module="analysis.summary",
    purpose="Print a table of a study's methods for each of its tasks.",
    usage="study=NAME | FOLDER [budget=NUMBER] [markdown=FILE]",
    options=(
        *STUDY,
        Option("runs", "FOLDER", "summarise the runs below this folder; FOLDER alone is the same"),
        BUDGET,
        Option("markdown", "FILE", "also write the tables to a file, with commits and versions"),
    ),
    examples=("study=default", "results/runs/default/svm_mnist", "study=mine markdown=mine.md"),
    bare="runs",
)
SHARES = (0.05, 0.25, 1.0)  # of the budget
TARGETS = (0.01, 0.003, 0.001)  # regrets
SHORTEST = 1.0  # seconds; costs to targets are not shown if a full training costs less, or unknown


def summarise(runs: Sequence[Run]) -> list[dict[str, str]]:
    """Return one row per method for the runs of one task, the lowest median final regret first.

    Columns: ``method``; ``runs`` (number of finished runs, and of those stopped by their number of
    trials, which keep their last incumbent to the end of the budget); median regret of the
    recommended config at each of ``SHARES``; median cost to reach each of ``TARGETS``, in full
    trainings, with the share of runs that reached it; ``overhead`` in CPU seconds per trial.
    Targets below three validation examples are skipped. All values are formatted text.
    """
    rows = []
    finished = [run for run in runs if run.finished]
    basis = bases(finished)
    regret_curves = [(run, regret_of(run, basis[run.task])) for run in finished]
    targets = _targets(regret_curves, max((b.floor for b in basis.values()), default=0.0))
    unit = max(units(runs).values(), default=0.0)
    for method in sorted({run.method for run in runs}):
        done = [run for run in runs if run.method == method and run.finished]
        if not done:
            continue
        curves = [curve for run, curve in regret_curves if run.method == method]
        regrets = {
            share: np.median([
                value_at(run.cost, curve, share * run.budget)
                for run, curve in zip(done, curves, strict=True)
            ])
            for share in SHARES
        }  # fmt: skip
        row = {"method": method, "runs": _counts(done)}
        row |= {f"regret at {share:.0%}": f"{regret:.2g}" for share, regret in regrets.items()}
        for target in targets if unit >= SHORTEST else ():
            costs = [
                cost_to_reach(run.cost, curve, target) / unit
                for run, curve in zip(done, curves, strict=True)
            ]
            share = np.mean(np.isfinite(costs))
            row[f"cost to {target:g}"] = f"{np.median(costs):.3g} ({share:.0%})"
        overheads = [r["suggest_overhead"] + r["recommend_overhead"] for d in done for r in d.rows]
        row["overhead"] = f"{np.mean(overheads):.3f}"
        rows.append((regrets[1.0], row))
    return [row for _, row in sorted(rows, key=lambda pair: float(pair[0]))]


def _targets(curves: Sequence[tuple[Run, Array]], floor: float) -> list[float]:
    """Return the regrets whose costs are shown, largest first: ``TARGETS``, or others of the scale.

    Args:
        curves: the runs of one task, each with its regret after each trial.
        floor: lowest regret of the task.
    """
    final: dict[str, list[float]] = {}
    for run, curve in curves:
        final.setdefault(run.method, []).append(float(curve[-1]))
    first = [float(curve[np.isfinite(curve)][0]) for _, curve in curves if np.isfinite(curve).any()]
    lowest = min((sorted(values)[(len(values) - 1) // 2] for values in final.values()), default=0.0)
    known = float(np.median(first)) if first else float("nan")
    return of_scale(TARGETS, lowest, known, EXAMPLES * floor)[-len(TARGETS) :]


def _notes(task: str, runs: Sequence[Run]) -> list[str]:
    """Return the sentences that say how losses on a task were measured."""
    basis = bases(run for run in runs if run.task == task and run.finished)[task]
    return notes([task] * basis.observed, [task] * basis.best_of_study)


def _counts(runs: Sequence[Run]) -> str:
    by_trials = sum(run.meta.get("stopped_by") == "trials" for run in runs)
    return f"{len(runs)}" + (f", {by_trials} ended by trials" if by_trials else "")


def tables(runs: Sequence[Run]) -> dict[str, list[dict[str, str]]]:
    """Return the rows of ``summarise`` by task, sorted, for the tasks with finished runs."""
    summaries = {
        task: summarise([run for run in runs if run.task == task])
        for task in sorted({run.task for run in runs})
    }
    return {task: rows for task, rows in summaries.items() if rows}


def print_summary(
    runs: Sequence[Run], unreadable: Sequence[str] = (), budget: float | None = None
) -> None:
    """Print the tables of all tasks of a study, then the runs that were left out.

    Args:
        runs: all runs that could be read.
        unreadable: one message for each run that could not be read.
        budget: cost at which runs are cut, in target evaluations; None for the smallest budget of
            the runs of a task.
    """
    # names come from files of others: no markup or emoji codes in them
    console = Console(width=160, markup=False, emoji=False)
    runs, cut = cut_runs(runs, budget)
    for task, rows in tables(runs).items():
        table = Table(
            title=f"{title_of(task, runs)}: median regret at shares of the budget; median cost to "
            "a regret in full trainings (share of runs); overhead in CPU s per trial"
        )
        for name in rows[0]:
            table.add_column(name, justify="left" if name == "method" else "right")
        for row in rows:
            table.add_row(*row.values())
        console.print(table)
        for note in _notes(task, runs):
            console.print(f"  {note}", highlight=False, soft_wrap=True)
        for each in failures_of_runs(run for run in runs if run.task == task and run.finished):
            console.print(f"  {each.method}: {each.text}", highlight=False, soft_wrap=True)
    if cut is not None:
        console.print(cut, highlight=False, soft_wrap=True)
    left_out = [run for run in runs if not run.finished]
    if left_out:
        console.print(f"left out: {len(left_out)} failed or unfinished runs")
        for run in left_out:
            console.print(f"  {_left_out(run)}", highlight=False, soft_wrap=True)
    for message in unreadable:
        console.print(f"left out, cannot be read: {message}", soft_wrap=True)


def _left_out(run: Run) -> str:
    """Return the folder of a run that is not summarised, its status and its error."""
    error = " ".join(str(run.meta.get("error") or "").split())
    return f"{run.folder}: {run.meta.get('status')}{f': {error}' if error else ''}"


def title_of(task: str, runs: Sequence[Run]) -> str:
    """Return the name of a task, followed by its caption if it has one."""
    captions = {run.meta["task_facts"].get("caption") or "" for run in runs if run.task == task}
    return ", ".join([task, *sorted(captions - {""})])


def to_markdown(
    study: Path,
    runs: Sequence[Run],
    unreadable: Sequence[str] = (),
    budget: float | None = None,
) -> str:
    """Write the summary as Markdown, with the seeds, commits, machines and versions of the runs.

    Args:
        study: folder of the study; its name is the title.
        runs: all runs that could be read.
        unreadable: one message for each run that could not be read.
        budget: as in ``print_summary``.
    """
    runs, cut = cut_runs(runs, budget)
    done = [run for run in runs if run.finished]
    lines = [
        f"# {markdown(study.name)}",
        "",
        f"Written by {code(f'python -m analysis.summary {study} markdown=FILE')}; do not edit.",
        "",
        f"- runs: {len(done)} finished, {len(runs) - len(done)} failed or unfinished",
        *([f"- budget: {markdown(cut)}"] if cut else []),
        *(f"- left out, cannot be read: {markdown(message)}" for message in unreadable),
        *(f"- left out: {markdown(_left_out(run))}" for run in runs if not run.finished),
        f"- seeds: {_distinct(run.meta.get('seed') for run in done)}",
        f"- commit: {_distinct(_commit(run) for run in done)}",
        f"- machine: {markdown(_distinct(run.meta.get('machine', {}).get('cpu') for run in done))}",
        f"- versions: {markdown(_distinct(_versions(run) for run in done))}",
        "- median regret of the recommended config at shares of the budget; median cost to reach a"
        " regret and stay there, in full trainings (share of runs that did); overhead in CPU s per"
        " trial; runs ended by the limit on trials keep their last incumbent",
    ]
    for task, rows in tables(done).items():
        heads = list(rows[0])
        lines += [
            "",
            f"## {markdown(title_of(task, done))}",
            "",
            f"| {' | '.join(heads)} |",
            "|---" * len(heads) + "|",
        ]
        lines += [f"| {' | '.join(map(markdown, row.values()))} |" for row in rows]
        failures = failures_of_runs(run for run in done if run.task == task)
        said = [*_notes(task, done), *(f"{each.method}: {each.text}" for each in failures)]
        lines += ["", *(f"- {markdown_line(line)}" for line in said)] * bool(said)
    return "\n".join(lines) + "\n"


def _distinct(values: Iterable[object]) -> str:
    """List the distinct values as text, sorted by length, then alphabetically."""
    distinct = {str(value) for value in values}
    return ", ".join(sorted(distinct, key=lambda text: (len(text), text)))


def _commit(run: Run) -> str:
    changed = " (with uncommitted changes)" if run.meta.get("dirty") else ""
    return str(run.meta.get("commit"))[:12] + changed


def _versions(run: Run) -> str:
    return ", ".join(f"{name} {v}" for name, v in run.meta.get("versions", {}).items())


def folder_of(values: Mapping[str, str]) -> Path:
    """Return the folder with the runs to summarise.

    Args:
        values: values of the options by key.

    Raises:
        ValueError: no study is named, or it has no runs.
    """
    if "runs" in values:
        folder = Path(values["runs"])
        if not folder.is_dir():
            raise ValueError(f"runs={folder}: no such folder")
        return folder
    study = study_of(values)
    folder = runs_of(study)
    if not any(folder.rglob("meta.json")):
        archive = f"; python -m analysis.report study={study} reads its archive"
        raise ValueError(
            f"study={study}: no runs in {folder}"
            + (archive if has_archive(study) else available(study))
        )
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a mistake."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if asks_for_help(words):
        print(COMMAND.help(), end="")
        return 0
    try:
        values = COMMAND.parse(words)
        folder = folder_of(values)
        unreadable: list[str] = []
        budget = budget_of(values)
        runs = load_runs(folder, unreadable)
        print_summary(runs, unreadable, budget)
        if "markdown" in values:
            file = Path(values["markdown"])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(to_markdown(folder, runs, unreadable, budget))
    except (ValueError, OSError) as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
