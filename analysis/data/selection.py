"""What is analysed of a study and what is not: never mixed in silence, always said."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.data.run_metadata import RunMetadata, completed

MOST = 3  # differences of settings that are named


class Selection(NamedTuple):
    """What was chosen of the runs of a study."""

    analysed: list[int]
    """their places in the sequence of runs"""
    lines: list[str]
    """sentences to print: what is analysed, then what is missing or left out, and why"""
    coverage: pd.DataFrame
    """one row a task and method: ``task``, ``method``, ``analysed`` (runs), ``seeds``, ``missing``,
    ``unfinished``, ``other versions``; seeds in words, empty where none"""


def select_runs(facts: Sequence[RunMetadata], unreadable: Sequence[str] = ()) -> Selection:
    """Choose the finished runs of one version for each task and method.

    A version is all settings but the seed, with the versions of method and task. Of several of a
    task (settings of methods aside), the one with most finished runs is analysed, of all methods
    that have it; of several of a method in the same way; at a tie the one started last; of several
    runs with one seed, the one started last. ``unreadable`` says what is wrong with further runs
    that could not be read.

    Raises:
        ValueError: no run has finished.
    """
    facts = completed(facts)
    seeds = {one.seed for one in facts}
    tasks = sorted({one.task for one in facts})
    methods = sorted({one.method for one in facts})
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(facts):
        groups[one.task, one.method].append(place)
    analysed, rows = [], []
    problems = [f"Left out, cannot be read: {what}." for what in unreadable]
    for task in tasks:
        chosen: dict[str, RunMetadata] = {}
        here = [place for place, one in enumerate(facts) if one.task == task]
        usual = set(_newest(facts, here, _of_the_task))
        for method in methods:
            who = f"{task}, {method}"
            if (task, method) not in groups:
                problems.append(f"{who}: no runs.")
                rows.append(_row(task, method, [], sorted(seeds), [], []))
                continue
            own = groups[task, method]
            like = [place for place in own if place in usual]
            kept = _newest(facts, like if any(facts[p].finished for p in like) else own, _all)
            others = sorted(set(own) - set(kept))
            done, unfinished, repeated = _finished(facts, kept)
            analysed += done
            missing = sorted(seeds - {facts[place].seed for place in kept})
            if missing:
                problems.append(f"{who}: {_seeds(missing)} missing.")
            for status, which in sorted(_by_status(facts, unfinished).items()):
                problems.append(f"{who}: {_seeds(which)} {status}, left out.")
            if repeated:
                problems.append(
                    f"{who}: more than one run with {_seeds(facts[p].seed for p in repeated)}; "
                    "the one started last is analysed."
                )
            for places in _by_version(facts, others, _all).values():
                left, stays = facts[places[0]], facts[kept[0]]
                problems.append(
                    f"{who}: {len(places)} run{'s'[: len(places) > 1]} of another version left out "
                    f"({_seeds(facts[p].seed for p in places)}; "
                    f"{_difference(left.version, stays.version)})."
                )
            if done:
                chosen[method] = facts[done[0]]
            rows.append(_row(
                task, method, [facts[p].seed for p in done], missing,
                [facts[p].seed for p in unfinished], [facts[p].seed for p in others],
            ))  # fmt: skip
        problems += _of_one_task(task, chosen)
    if not analysed:
        raise ValueError(f"none of {len(facts)} runs has finished")
    lines = [_summary(facts, analysed), *problems]
    if not problems:
        lines.append(
            "Of what was started nothing is missing: every method has every seed on every task. "
            "What was planned but not started is not known."
        )
    changed = sum(facts[place].dirty for place in analysed)
    if changed:
        lines.append(f"{changed} of the analysed runs: made by code with uncommitted changes.")
    return Selection(sorted(analysed), lines, pd.DataFrame(rows))


def spans(numbers: Iterable[int]) -> str:
    """Whole numbers in words: ``0 to 2, 5``."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    parts = []
    for low, high in found:
        parts += [str(low)] if low == high else [f"{low} to {high}"]
    return ", ".join(parts)


def _seeds(numbers: Iterable[int]) -> str:
    which = set(numbers)
    return f"seed{'s'[: len(which) > 1]} {spans(which)}"


def _all(one: RunMetadata) -> Mapping[str, Any]:
    return one.version


def _of_the_task(one: RunMetadata) -> Mapping[str, Any]:
    """What all methods should have in common on a task."""
    parts = ("task.", "identity.", "budget.")
    return {name: value for name, value in one.version.items() if name.startswith(parts)}


def _by_version(
    facts: Sequence[RunMetadata],
    places: Sequence[int],
    version: Callable[[RunMetadata], Mapping[str, Any]],
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place in places:
        found[json.dumps(version(facts[place]), sort_keys=True)].append(place)
    return dict(found)


def _by_status(facts: Sequence[RunMetadata], places: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place in places:
        status = facts[place].status
        # killed runs still say that they are running; only the runner can know better
        word = {"running": "unfinished", "finished": "without trials"}.get(status, status)
        found[word].append(facts[place].seed)
    return found


def _newest(
    facts: Sequence[RunMetadata],
    places: Sequence[int],
    version: Callable[[RunMetadata], Mapping[str, Any]],
) -> list[int]:
    """Places of the version to analyse."""

    def weight(group: Sequence[int]) -> tuple[int, str]:
        return sum(facts[p].finished for p in group), max(facts[p].started for p in group)

    return max(_by_version(facts, places, version).values(), key=weight)


def _finished(
    facts: Sequence[RunMetadata], places: Sequence[int]
) -> tuple[list[int], list[int], list[int]]:
    """Places of the run to analyse of each seed, of unfinished runs, of repetitions."""
    best: dict[int, int] = {}
    unfinished, repeated = [], []
    for place in sorted(places, key=lambda p: facts[p].started):
        seed = facts[place].seed
        if not facts[place].finished:
            unfinished.append(place)
        else:
            if seed in best:
                repeated.append(best[seed])
            best[seed] = place
    return sorted(best.values()), unfinished, repeated


def _difference(left: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    names = [n for n in sorted({*left, *kept}) if left.get(n) != kept.get(n)]
    first, rest = names[:MOST], len(names) - MOST
    words = [f"{n} {_short(left.get(n))}, analysed is {_short(kept.get(n))}" for n in first]
    return "; ".join([*words, *([f"and {rest} more"] if rest > 0 else [])])


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."  # a hash, mostly


def _of_one_task(task: str, chosen: Mapping[str, RunMetadata]) -> list[str]:
    """A warning if methods were run on different versions of the same task."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for method, one in chosen.items():
        kinds[json.dumps(_of_the_task(one), sort_keys=True)].append(method)
    if len(kinds) < 2:
        return []
    most = max(kinds.values(), key=len)
    lines = []
    for methods in kinds.values():
        if methods is not most:
            what, usual = (_of_the_task(chosen[group[0]]) for group in (methods, most))
            lines.append(
                f"{task}: {', '.join(methods)} ran on another version of the task than "
                f"{', '.join(most)} ({_difference(what, usual)}): compare with care."
            )
    return lines


def _summary(facts: Sequence[RunMetadata], analysed: Sequence[int]) -> str:
    runs = [facts[place] for place in analysed]
    methods, tasks = ({getattr(run, name) for run in runs} for name in ("method", "task"))
    return (
        f"{len(runs)} of {len(facts)} runs analysed: {len(methods)} method"
        f"{'s'[: len(methods) > 1]} on {len(tasks)} task{'s'[: len(tasks) > 1]}, "
        f"{_seeds(run.seed for run in runs)}, {sum(run.trials for run in runs):,} trials."
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
