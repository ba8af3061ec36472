"""A study as figures, tables and one page: ``python -m analysis.report experiment=svm_paper``.

Reads the traces below ``results/runs/<experiment>``, or where there are none the archive in
``results/<experiment>``; writes figures, tables, the archive and ``report.html`` into
``results/<experiment>``. ``runs=FOLDER`` and ``out=FOLDER`` name others.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis import page, sections
from analysis.archive import RUNS, read_archive, write_archive
from analysis.drawn import Drawn, save
from analysis.facts import RunFacts, facts_of
from analysis.honesty import Choice, choose, spans
from analysis.load import load_runs
from analysis.tables import Shown, to_markdown
from analysis.tidy import tidy

KEYS = ("experiment", "runs", "out")
USAGE = "python -m analysis.report experiment=NAME [runs=FOLDER] [out=FOLDER]"
RESULTS = Path("results")


class Options(NamedTuple):
    """What is asked for."""

    experiment: str
    runs: Path | None
    out: Path


class Study(NamedTuple):
    """What was read."""

    table: pd.DataFrame
    """of the runs that are analysed"""
    facts: list[RunFacts]
    """of all runs"""
    choice: Choice


def parse(arguments: Sequence[str]) -> Options:
    """Read ``name=value`` arguments.

    Raises:
        ValueError: an unknown name, a name without a value or given twice, no experiment.
    """
    given: dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name not in KEYS:
            raise ValueError(f"unknown argument {argument}{_nearest(name, KEYS)}; usage: {USAGE}")
        if not equals or not value or name in given:
            raise ValueError(f"{name} needs one value; usage: {USAGE}")
        given[name] = value
    experiment = given.get("experiment", "")
    if not re.fullmatch(r"[\w.,=+-]+", experiment) or set(experiment) == {"."}:
        what = "is missing" if not experiment else f"{experiment} is not the name of a folder"
        raise ValueError(f"experiment {what}{_allowed(experiment)}; usage: {USAGE}")
    runs = Path(given["runs"]) if "runs" in given else None
    return Options(experiment, runs, Path(given.get("out", RESULTS / experiment)))


def read(options: Options) -> Study:
    """Read the traces or, where there are none, the archive; choose what is analysed.

    Raises:
        ValueError: there is neither, they are not ours, or no run has finished.
    """
    folder = options.runs or RESULTS / "runs" / options.experiment
    if folder.is_dir():
        runs = load_runs(folder)
        try:
            facts = [facts_of(run) for run in runs]
            choice = choose(facts)
            return Study(tidy([runs[place] for place in choice.analysed]), facts, choice)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{folder} holds traces that are not ours: {error!r}") from error
    if options.runs is not None:
        raise ValueError(f"runs={folder}: no such folder")
    archive = RESULTS / options.experiment
    if not (archive / RUNS).exists():
        raise ValueError(
            f"experiment={options.experiment}: neither runs in {folder} nor an archive in "
            f"{archive}{_allowed(options.experiment)}"
        )
    table, facts = read_archive(archive)
    return Study(table, facts, choose(facts))


def write(study: Study, title: str, out: Path) -> Path:
    """Write archive, figures, tables and page; returns the page's path."""
    write_archive(study.table, study.facts, out)
    shown = [
        page.Section(
            section.name,
            section.title,
            [_show(item, out) for item in section.items(study.table)],
        )
        for section in sections.SECTIONS
    ]
    _write_table(study.choice.coverage, out / "tables" / "coverage")
    path = out / "report.html"
    text = page.render(
        page.Page(title, study.choice.lines, shown, _made(study), study.choice.coverage)
    )
    path.write_text(text)
    return path


def _show(item: sections.Item, out: Path) -> page.Figure | page.Table | page.Absent:
    try:
        made = item.make()
    except ValueError as error:  # too little to draw it from; anything else is a defect
        return page.Absent(item.title, str(error).rstrip("."))
    if isinstance(made, Shown):
        _write_table(made.data, out / "tables" / item.name)
        return page.Table(item.title, made.caption, made.data, f"tables/{item.name}")
    return _figure(item, made, out)


def _figure(item: sections.Item, drawn: Drawn, out: Path) -> page.Figure:
    png, _, csv = save(drawn, out / "figures", item.name)
    picture = png.read_bytes()
    width = int.from_bytes(picture[16:20], "big")  # where a PNG keeps it
    files = f"figures/{item.name}"
    return page.Figure(item.title, drawn.caption, picture, csv.read_text(), files, width)


def _write_table(data: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.to_csv(f"{path}.csv", index=False)
    Path(f"{path}.md").write_text(to_markdown(data))


def _made(study: Study) -> list[tuple[str, list[str]]]:
    runs = [study.facts[place] for place in study.choice.analysed]
    captions = {f"{run.task}: {run.caption}" for run in runs if run.caption}
    versions = [{f"{n} {v}" for n, v in run.versions.items()} for run in runs]
    common = set.intersection(*versions)
    hours = sum(run.cost for run in runs) / 3600, sum(run.overhead for run in runs) / 3600
    found = [
        ("Seeds", [spans(run.seed for run in runs)]),
        ("Clock", ["Evaluation cost, in seconds, where a caption does not say another."]),
        (
            "Incumbent rule",
            ["recommended: what the method would deploy, where not said otherwise."],
        ),
        ("Spent", [f"{hours[0]:,.3g} h of evaluation cost, {hours[1]:,.3g} CPU h of overhead."]),
        ("Tasks", sorted(captions)),
        ("Commits", _distinct(_commit(run) for run in runs)),
        ("Machines", _distinct(", ".join(f"{n} {v}" for n, v in r.machine.items()) for r in runs)),
        ("Versions, all runs", [", ".join(sorted(common, key=str.lower))]),
        ("Versions, some runs", sorted(set.union(*versions) - common, key=str.lower)),
        ("Methods", _distinct(f"{r.method}: version {_version(r)}" for r in runs)),
    ]
    return [(name, [v for v in values if v]) for name, values in found if any(values)]


def _version(run: RunFacts) -> str:
    return str(run.version.get("method.version", "not known"))


def _commit(run: RunFacts) -> str:
    return f"{str(run.commit)[:12]}{' (with uncommitted changes)' if run.dirty else ''}"


def _distinct(values: Iterable[str]) -> list[str]:
    """The different values with the number of runs, the most frequent first."""
    counts = pd.Series(list(values), dtype=object).value_counts()
    pairs = sorted(((-int(count), str(value)) for value, count in counts.items()))
    return [f"{value} ({-count} run{'s'[: count < -1]})" for count, value in pairs if value]


def _allowed(name: str) -> str:
    """The experiments that there are, as the end of a sentence."""
    known = {path.name for path in (RESULTS / "runs").glob("*") if path.is_dir()}
    known |= {path.parent.name for path in RESULTS.glob(f"*/{RUNS}")}
    there = f"; there are {', '.join(sorted(known))}" if known else "; there are none"
    return _nearest(name, sorted(known)) + there


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        study = read(options)
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    for line in study.choice.lines:
        print(line)
    print(f"written: {write(study, f'Report: {options.experiment}', options.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
