"""Select the runs of a study to analyse, and report the runs that are left out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.data.run_metadata import RunMetadata, with_defaults

MOST = 3  # settings that a sentence lists when it says how two versions differ


class Selection(NamedTuple):
    """The runs of a study that are analysed, and a report about the others."""

    analysed: list[int]
    """indices in the sequence of runs, rising"""
    lines: list[str]
    """sentences to print: the analysed runs, then the missing runs and those left out, and why"""
    coverage: pd.DataFrame
    """one row per task and method: ``task``, ``method``, ``analysed`` (number of runs), and the
    seeds, written as by ``spans``, of these runs (``seeds``), of runs that are ``missing`` or
    ``unfinished``, and of runs of ``other versions``"""


def select_runs(runs: Sequence[RunMetadata], unreadable: Sequence[str] = ()) -> Selection:
    """Select the finished runs of one version for each task and method.

    A version consists of all settings except the seed and of the versions of method and task. If a
    task has several versions (ignoring the settings of methods), the one with the most finished
    runs is selected for all methods that have it. If a method then has several versions, the one
    with the most finished runs is selected. Ties are broken in favour of the version with the
    latest start. If several runs have the same seed, the one started last is selected.

    Args:
        runs: metadata of all runs that could be read.
        unreadable: one message for each run that could not be read.

    Raises:
        ValueError: if no run has finished.
    """
    runs = with_defaults(runs)
    seeds = {run.seed for run in runs}
    tasks = sorted({run.task for run in runs})
    methods = sorted({run.method for run in runs})
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        groups[run.task, run.method].append(index)
    analysed, rows = [], []
    problems = [f"Left out, cannot be read: {what}." for what in unreadable]
    for task in tasks:
        chosen: dict[str, RunMetadata] = {}
        here = [index for index, run in enumerate(runs) if run.task == task]
        usual = set(_newest(runs, here, _task_version))
        for method in methods:
            label = f"{task}, {method}"
            if (task, method) not in groups:
                problems.append(f"{label}: no runs.")
                rows.append(_row(task, method, [], sorted(seeds), [], []))
                continue
            of_method = groups[task, method]
            same_task = [index for index in of_method if index in usual]
            kept = _newest(
                runs,
                same_task if any(runs[i].finished for i in same_task) else of_method,
                _whole_version,
            )
            others = sorted(set(of_method) - set(kept))
            done, unfinished, repeated = _finished(runs, kept)
            analysed += done
            missing = sorted(seeds - {runs[index].seed for index in kept})
            if missing:
                problems.append(f"{label}: {_seeds(missing)} missing.")
            for (status, error), affected in sorted(_by_status(runs, unfinished).items()):
                why = f": {error}" if error else "."
                problems.append(f"{label}: {_seeds(affected)} {status}, left out{why}")
            if repeated:
                problems.append(
                    f"{label}: more than one run with {_seeds(runs[i].seed for i in repeated)}; "
                    "the one started last is analysed."
                )
            for indices in _by_version(runs, others, _whole_version).values():
                left, stays = runs[indices[0]], runs[kept[0]]
                count = len(indices)
                problems.append(
                    f"{label}: {count} run{'s'[: count > 1]} of another version left out "
                    f"({_seeds(runs[i].seed for i in indices)}; "
                    f"{_difference(left.version, stays.version)})."
                )
            if done:
                chosen[method] = runs[done[0]]
            rows.append(_row(
                task, method, [runs[i].seed for i in done], missing,
                [runs[i].seed for i in unfinished], [runs[i].seed for i in others],
            ))  # fmt: skip
        problems += _version_warnings(task, chosen)
    if not analysed:
        errors = [f"{run.task}, {run.method}: {run.error}" for run in runs if run.error]
        first = f"; the first error: {errors[0]}" if errors else ""
        raise ValueError(f"none of {len(runs)} runs has finished{first}")
    lines = [_summary(runs, analysed), *problems]
    if not problems:
        lines.append(
            "No run is missing: every method has every seed on every task. Runs that were planned "
            "but never started are not known."
        )
    changed = sum(runs[index].dirty for index in analysed)
    if changed:
        lines.append(f"Code with uncommitted changes made {changed} of the analysed runs.")
    return Selection(sorted(analysed), lines, pd.DataFrame(rows))


def spans(numbers: Iterable[int]) -> str:
    """Write whole numbers as ranges, such as ``0 to 2, 5``; empty if there are none."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = []
    for low, high in ranges:
        parts += [str(low)] if low == high else [f"{low} to {high}"]
    return ", ".join(parts)


def _seeds(numbers: Iterable[int]) -> str:
    seeds = set(numbers)
    return f"seed{'s'[: len(seeds) > 1]} {spans(seeds)}"


def _whole_version(run: RunMetadata) -> Mapping[str, Any]:
    return run.version


def _task_version(run: RunMetadata) -> Mapping[str, Any]:
    """Return the part of the version that all methods should have in common on a task."""
    parts = ("task.", "identity.")
    return {name: value for name, value in run.version.items() if name.startswith(parts)}


def _by_version(
    runs: Sequence[RunMetadata],
    indices: Sequence[int],
    version: Callable[[RunMetadata], Mapping[str, Any]],
) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index in indices:
        groups[json.dumps(version(runs[index]), sort_keys=True)].append(index)
    return dict(groups)


def _by_status(
    runs: Sequence[RunMetadata], indices: Sequence[int]
) -> dict[tuple[str, str], list[int]]:
    """Return the seeds of runs by status and error."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in indices:
        status = runs[index].status
        # a killed run still has the status "running"; the files do not tell it from a running one
        word = {"running": "unfinished", "finished": "without trials"}.get(status, status)
        groups[word, runs[index].error].append(runs[index].seed)
    return groups


def _newest(
    runs: Sequence[RunMetadata],
    indices: Sequence[int],
    version: Callable[[RunMetadata], Mapping[str, Any]],
) -> list[int]:
    """Return the indices of the runs of the version to analyse."""

    def weight(group: Sequence[int]) -> tuple[int, str]:
        return sum(runs[i].finished for i in group), max(runs[i].started for i in group)

    return max(_by_version(runs, indices, version).values(), key=weight)


def _finished(
    runs: Sequence[RunMetadata], indices: Sequence[int]
) -> tuple[list[int], list[int], list[int]]:
    """Return the indices of the runs to analyse (one per seed), unfinished and repeated runs."""
    best: dict[int, int] = {}
    unfinished, repeated = [], []
    for index in sorted(indices, key=lambda i: runs[i].started):
        seed = runs[index].seed
        if not runs[index].finished:
            unfinished.append(index)
        else:
            if seed in best:
                repeated.append(best[seed])
            best[seed] = index
    return sorted(best.values()), unfinished, repeated


def _difference(left: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    names = [n for n in sorted({*left, *kept}) if left.get(n) != kept.get(n)]
    first, rest = names[:MOST], len(names) - MOST
    words = [f"{n} {_short(left.get(n))}, analysed is {_short(kept.get(n))}" for n in first]
    return "; ".join([*words, *([f"and {rest} more"] if rest > 0 else [])])


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."  # long values are mostly hashes


def _version_warnings(task: str, chosen: Mapping[str, RunMetadata]) -> list[str]:
    """Return a warning for each group of methods that ran on another version of the task."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for method, run in chosen.items():
        kinds[json.dumps(_task_version(run), sort_keys=True)].append(method)
    if len(kinds) < 2:
        return []
    most = max(kinds.values(), key=len)
    lines = []
    for methods in kinds.values():
        if methods is not most:
            what, usual = (_task_version(chosen[group[0]]) for group in (methods, most))
            lines.append(
                f"{task}: {', '.join(methods)} ran on another version of the task than "
                f"{', '.join(most)} ({_difference(what, usual)}): compare with care."
            )
    return lines


def _summary(runs: Sequence[RunMetadata], analysed: Sequence[int]) -> str:
    selected = [runs[index] for index in analysed]
    methods, tasks = ({getattr(run, name) for run in selected} for name in ("method", "task"))
    return (
        f"{len(selected)} of {len(runs)} runs analysed: {len(methods)} method"
        f"{'s'[: len(methods) > 1]} on {len(tasks)} task{'s'[: len(tasks) > 1]}, "
        f"{_seeds(run.seed for run in selected)}, {sum(run.trials for run in selected):,} trials."
    )


def _row(
    task: str,
    method: str,
    seeds: Sequence[int],
    missing: Sequence[int],
    unfinished: Sequence[int],
    others: Sequence[int],
) -> dict[str, object]:
    return {
        "task": task,
        "method": method,
        "analysed": len(seeds),
        "seeds": spans(seeds),
        "missing": spans(missing),
        "unfinished": spans(unfinished),
        "other versions": spans(others),
    }
