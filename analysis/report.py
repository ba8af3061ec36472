"""A study as figures, tables and one page: ``python -m analysis.report experiment=svm_paper``.

Reads the traces below ``results/runs/<experiment>``, or where there are none the archive in
``results/<experiment>``; writes figures, tables, the archive, ``report.html`` and the same as
``README.md`` into ``results/<experiment>``. ``runs=FOLDER`` and ``out=FOLDER`` name others;
``price`` (USD an hour of evaluation cost) and ``workers`` (that share a serial run's cost, ideally)
are the tables'.

Reads what ``python -m benchmarks.figure_data`` wrote, too. If that wrote photos, a second page with
them goes beside them, into ``results/runs/.photos/<experiment>``, which git ignores.
"""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.data.archive import RUNS, write_archive
from analysis.data.run_metadata import RunMetadata
from analysis.data.selection import spans
from analysis.data.study import Study, from_archive, from_traces
from analysis.figures.figure import Figure, save
from analysis.figures.misclassified import draw_misclassified
from analysis.page import cars_case_study as case_study
from analysis.page import page, sections
from analysis.page.figure_data import FigureData
from analysis.page.tables import Table, to_markdown
from analysis.page.talk_table import PRICE, WORKERS

KEYS = ("experiment", "runs", "out", "price", "workers")
USAGE = (
    "python -m analysis.report experiment=NAME [runs=FOLDER] [out=FOLDER] "
    f"[price={PRICE:.2f}] [workers={WORKERS}]"
)
RESULTS = Path("results")
PHOTOS = RESULTS / "runs" / ".photos"


class Options(NamedTuple):
    """What is asked for."""

    experiment: str
    runs: Path | None
    out: Path
    price: float = PRICE
    """USD an hour"""
    workers: int = WORKERS


def parse(arguments: Sequence[str]) -> Options:
    """Read ``name=value`` arguments.

    Raises:
        ValueError: an unknown name, a name without a value or given twice, no experiment, a price
            or number of workers that is none.
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
    out = Path(given.get("out", RESULTS / experiment))
    price = _positive("price", given.get("price", PRICE), float)
    workers = _positive("workers", given.get("workers", WORKERS), int)
    return Options(experiment, runs, out, price, int(workers))


def _positive(name: str, text: object, kind: Callable[[Any], float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        what = "a whole number, 1 or more" if kind is int else "a number above 0"
        raise ValueError(f"{name}={text}: must be {what}")
    return value


def read(options: Options) -> Study:
    """Read the traces or, where there are none, the archive; choose what is analysed.

    Raises:
        ValueError: there is neither, they are not ours, or no run has finished.
    """
    folder = options.runs or RESULTS / "runs" / options.experiment
    if folder.is_dir():
        return from_traces(folder)
    if options.runs is not None:
        raise ValueError(f"runs={folder}: no such folder")
    archive = RESULTS / options.experiment
    if not (archive / RUNS).exists():
        raise ValueError(
            f"experiment={options.experiment}: neither runs in {folder} nor an archive in "
            f"{archive}{_allowed(options.experiment)}"
        )
    return from_archive(archive)


def write(study: Study, options: Options) -> list[Path]:
    """Write archive, figures, tables and page; returns the page's path, and that of the page with
    photos if there are any.
    """
    out = options.out
    write_archive(study.table, study.runs, out)
    data = FigureData(options.experiment, RESULTS / options.experiment / "data")
    context = sections.ReportContext(study.table, data, options.price, options.workers)
    stamp = _stamp(study)
    shown = [
        page.Section(section.name, section.title, [_show(entry, out, stamp) for entry in entries])
        for section in sections.shown_of(study.table)
        if (entries := section.entries(context))
    ]
    _write_table(study.selection.coverage, out / "tables" / "coverage")
    title = f"Report: {options.experiment}"
    content = page.Page(title, study.selection.lines, shown, _made(study), study.selection.coverage)
    paths = [out / "report.html"]
    paths[0].write_text(page.render(content))
    (out / "README.md").write_text(page.as_markdown(content))
    photos = PHOTOS / options.experiment
    pictures = _photos(context, photos)
    if pictures:
        local = page.Section("photos", "Photos: not for publication", pictures)
        note = "With photos that are their owners': for looking at here, not for publication."
        paths.append(photos / "report.html")
        content = replace(content, sections=[local, *shown], lines=[note, *content.lines])
        paths[1].write_text(page.render(content))
    return paths


def _stamp(study: Study) -> Callable[[str], str]:
    """What is said at the end of the caption of an entry, given its name: what its tasks say of
    themselves, and what made the runs.
    """
    runs = study.analysed
    commits = sorted({_commit(run) for run in runs})
    cpus = sorted({str(run.machine.get("cpu", "not known")) for run in runs})
    made = (
        f" Runs: commit{'s'[: len(commits) > 1]} {', '.join(commits)}; CPU{'s'[: len(cpus) > 1]} "
        f"{'; '.join(cpus)}."
    )
    said = {run.task: f" {run.task}: {run.caption}." for run in runs if run.caption}
    tasks = sorted({run.task for run in runs})

    def stamp(name: str) -> str:
        own = [task for task in tasks if name.endswith(sections.file_name("", task))]
        return "".join(said.get(task, "") for task in own or tasks) + made

    return stamp


def _photos(context: sections.ReportContext, folder: Path) -> list[page.PageFigure]:
    """Figures with the photos that ``benchmarks.figure_data`` wrote into a folder, saved there."""
    if not folder.is_dir():
        return []
    entries = [
        sections.Entry(
            sections.file_name("misclassified", task),
            task,
            partial(_misclassified, context, task, folder),
        )
        for task in sections.cars_of(context)
    ]
    shown = [_show(entry, folder) for entry in entries]
    return [each for each in shown if isinstance(each, page.PageFigure)]


def _misclassified(context: sections.ReportContext, task: str, folder: Path) -> Figure:
    photos = case_study.with_photos(task, context.data, folder)
    return draw_misclassified(photos, case_study.counts(task, context.data))


def _show(
    entry: sections.Entry, out: Path, stamp: Callable[[str], str] = lambda name: ""
) -> page.PageFigure | page.PageTable | page.Absent:
    try:
        drawn = entry.make()
    except ValueError as error:  # too little to draw it from; anything else is a defect
        return page.Absent(entry.title, str(error).rstrip("."))
    if isinstance(drawn, Table):
        _write_table(drawn.data, out / "tables" / entry.name)
        caption = drawn.caption + stamp(entry.name)
        return page.PageTable(entry.title, caption, drawn.data, f"tables/{entry.name}")
    return _figure(entry, drawn._replace(caption=drawn.caption + stamp(entry.name)), out)


def _figure(entry: sections.Entry, drawn: Figure, out: Path) -> page.PageFigure:
    png, _, csv = save(drawn, out / "figures", entry.name)
    picture = png.read_bytes()
    width = int.from_bytes(picture[16:20], "big")  # where a PNG keeps it
    files = f"figures/{entry.name}"
    return page.PageFigure(entry.title, drawn.caption, picture, csv.read_text(), files, width)


def _write_table(data: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.to_csv(f"{path}.csv", index=False)
    Path(f"{path}.md").write_text(to_markdown(data))


def _made(study: Study) -> list[tuple[str, list[str]]]:
    runs = study.analysed
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


def _version(run: RunMetadata) -> str:
    return str(run.version.get("method.version", "not known"))


def _commit(run: RunMetadata) -> str:
    return f"{str(run.commit)[:12]}{' (with uncommitted changes)' if run.dirty else ''}"


def _distinct(values: Iterable[str]) -> list[str]:
    """The different values with the number of runs, the most frequent first."""
    counts = pd.Series(list(values), dtype=object).value_counts()
    pairs = sorted(((-int(count), str(value)) for value, count in counts.items()))
    return [f"{value} ({-count} run{'s'[: count < -1]})" for count, value in pairs if value]


def _allowed(name: str) -> str:
    """The experiments that there are, as the end of a sentence."""
    folders = (RESULTS / "runs").glob("*")
    known = {path.name for path in folders if path.is_dir() and path.name[0] != "."}
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
    for line in study.selection.lines:
        print(line)
    for path in write(study, options):
        print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
