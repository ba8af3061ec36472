"""Write the report of a study: ``python -m analysis.report experiment=svm_paper``.

The report consists of figures, tables, the archive of the study, the page ``report.html`` and the
same page as ``README.md``. It is made from the traces below ``results/runs/<experiment>`` or, if
there are none, from the archive in ``results/<experiment>``, and is written to
``results/<experiment>``. Other options:

- ``runs=FOLDER`` and ``out=FOLDER`` select other folders to read from and to write to;
- ``price`` is the price of one hour of evaluation cost in USD;
- ``workers`` is the number of workers among which the cost of a serial run is divided.

Files that ``python -m benchmarks.figure_data`` wrote are used if there are any. If it wrote photos,
a second page that shows them is written to their folder, ``results/runs/.photos/<experiment>``,
which Git ignores.
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
    """Options of the command line."""

    experiment: str
    """name of the study"""
    runs: Path | None
    """folder with traces; None for the default folders"""
    out: Path
    """folder to write to"""
    price: float = PRICE
    """price of one hour of evaluation cost in USD"""
    workers: int = WORKERS
    """number of workers among which the cost of a serial run is divided"""


def parse(arguments: Sequence[str]) -> Options:
    """Parse ``name=value`` arguments.

    Raises:
        ValueError: if a name is unknown, repeated or has no value, if the experiment is missing or
            not the name of a folder, or if the price or the number of workers is not positive.
    """
    values: dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name not in KEYS:
            raise ValueError(f"unknown argument {argument}{_nearest(name, KEYS)}; usage: {USAGE}")
        if not equals or not value or name in values:
            raise ValueError(f"{name} needs one value; usage: {USAGE}")
        values[name] = value
    experiment = values.get("experiment", "")
    if not re.fullmatch(r"[\w.,=+-]+", experiment) or set(experiment) == {"."}:
        problem = f"={experiment} is not the name of a folder" if experiment else " is missing"
        raise ValueError(f"experiment{problem}{_available(experiment)}; usage: {USAGE}")
    runs = Path(values["runs"]) if "runs" in values else None
    out = Path(values.get("out", RESULTS / experiment))
    price = _positive("price", values.get("price", PRICE), float)
    workers = _positive("workers", values.get("workers", WORKERS), int)
    return Options(experiment, runs, out, price, int(workers))


def _positive(name: str, text: object, kind: Callable[[Any], float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        allowed = "a whole number, 1 or more" if kind is int else "a number above 0"
        raise ValueError(f"{name}={text}: must be {allowed}")
    return value


def read(options: Options) -> Study:
    """Read the traces or, if there are none, the archive, and select the runs to analyse.

    Raises:
        ValueError: if there are neither traces nor an archive, if they are not valid, or if no run
            has finished.
    """
    folder = options.runs or RESULTS / "runs" / options.experiment
    if folder.is_dir():
        return from_traces(folder)
    if options.runs is not None:
        raise ValueError(f"runs={folder}: no such folder")
    archive = RESULTS / options.experiment
    if not (archive / RUNS).exists():
        raise ValueError(
            f"experiment={options.experiment} not found: no runs in {folder}, no archive in "
            f"{archive}{_available(options.experiment)}"
        )
    return from_archive(archive)


def write(study: Study, options: Options) -> list[Path]:
    """Write the archive, the figures, the tables and the pages of a report.

    Returns:
        The path of ``report.html`` and, if there are photos, that of the page that shows them.
    """
    out = options.out
    write_archive(study.table, study.runs, out)
    data = FigureData(options.experiment, RESULTS / options.experiment / "data")
    context = sections.ReportContext(study.table, data, options.price, options.workers)
    stamp = _stamp(study)
    written = [
        page.Section(section.name, section.title, [_write(entry, out, stamp) for entry in entries])
        for section in sections.sections_of(study.table)
        if (entries := section.entries(context))
    ]
    _write_table(study.selection.coverage, out / "tables" / "coverage")
    title = f"Report: {options.experiment}"
    content = page.Page(
        title, study.selection.lines, written, _provenance(study), study.selection.coverage
    )
    paths = [out / "report.html"]
    paths[0].write_text(page.render(content))
    (out / "README.md").write_text(page.as_markdown(content))
    photos = PHOTOS / options.experiment
    pictures = _photos(context, photos)
    if pictures:
        local = page.Section("photos", "Photos: not for publication", pictures)
        note = "With photos that are their owners': for looking at here, not for publication."
        paths.append(photos / "report.html")
        content = replace(content, sections=[local, *written], lines=[note, *content.lines])
        paths[1].write_text(page.render(content))
    return paths


def _stamp(study: Study) -> Callable[[str], str]:
    """Return a function that gives the end of an entry's caption, by the name of the entry.

    It consists of the captions of the tasks of the entry and of the commits and CPUs of the runs.
    """
    runs = study.analysed
    commits = sorted({_commit(run) for run in runs})
    cpus = sorted({str(run.machine.get("cpu", "not known")) for run in runs})
    made = (
        f" Runs: commit{'s'[: len(commits) > 1]} {', '.join(commits)}; CPU{'s'[: len(cpus) > 1]} "
        f"{'; '.join(cpus)}."
    )
    captions = {run.task: f" {run.task}: {run.caption}." for run in runs if run.caption}
    tasks = sorted({run.task for run in runs})

    def stamp(name: str) -> str:
        named = [task for task in tasks if name.endswith(sections.file_name("", task))]
        return "".join(captions.get(task, "") for task in named or tasks) + made

    return stamp


def _photos(context: sections.ReportContext, folder: Path) -> list[page.PageFigure]:
    """Draw the photos that ``benchmarks.figure_data`` wrote to a folder; save the figures there."""
    if not folder.is_dir():
        return []
    entries = [
        sections.Entry(
            sections.file_name("misclassified", task),
            task,
            partial(_misclassified, context, task, folder),
        )
        for task in sections.cars_tasks(context)
    ]
    elements = [_write(entry, folder) for entry in entries]
    return [element for element in elements if isinstance(element, page.PageFigure)]


def _misclassified(context: sections.ReportContext, task: str, folder: Path) -> Figure:
    photos = case_study.with_photos(task, context.data, folder)
    return draw_misclassified(photos, case_study.counts(task, context.data))


def _write(
    entry: sections.Entry, out: Path, stamp: Callable[[str], str] = lambda name: ""
) -> page.PageFigure | page.PageTable | page.Absent:
    """Make an entry, write its files below ``out`` and return it as an element of the page."""
    try:
        made = entry.make()
    except ValueError as error:  # the data do not suffice; any other exception is a bug
        return page.Absent(entry.title, str(error).rstrip("."))
    caption = made.caption + stamp(entry.name)
    if isinstance(made, Table):
        _write_table(made.data, out / "tables" / entry.name)
        return page.PageTable(entry.title, caption, made.data, f"tables/{entry.name}")
    png, _, csv = save(made, out / "figures", entry.name)
    image = png.read_bytes()
    width = int.from_bytes(image[16:20], "big")  # the header of a PNG holds it here
    files = f"figures/{entry.name}"
    return page.PageFigure(entry.title, caption, image, csv.read_text(), files, width)


def _write_table(data: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.to_csv(f"{path}.csv", index=False)
    Path(f"{path}.md").write_text(to_markdown(data))


def _provenance(study: Study) -> list[tuple[str, list[str]]]:
    """Return the names and values of the section on how the report was made."""
    runs = study.analysed
    captions = {f"{run.task}: {run.caption}" for run in runs if run.caption}
    versions = [{f"{n} {v}" for n, v in run.versions.items()} for run in runs]
    common = set.intersection(*versions)
    hours = sum(run.cost for run in runs) / 3600, sum(run.overhead for run in runs) / 3600
    items = [
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
    return [(name, [v for v in values if v]) for name, values in items if any(values)]


def _version(run: RunMetadata) -> str:
    return str(run.version.get("method.version", "not known"))


def _commit(run: RunMetadata) -> str:
    return f"{str(run.commit)[:12]}{' (with uncommitted changes)' if run.dirty else ''}"


def _distinct(values: Iterable[str]) -> list[str]:
    """List the distinct values with their numbers of runs, the most frequent first."""
    counts = pd.Series(list(values), dtype=object).value_counts()
    pairs = sorted(((-int(count), str(value)) for value, count in counts.items()))
    return [f"{value} ({-count} run{'s'[: count < -1]})" for count, value in pairs if value]


def _available(name: str) -> str:
    """Name the nearest and all available experiments, as the end of an error message."""
    folders = (RESULTS / "runs").glob("*")
    names = {path.name for path in folders if path.is_dir() and path.name[0] != "."}
    names |= {path.parent.name for path in RESULTS.glob(f"*/{RUNS}")}
    return _nearest(name, sorted(names)) + f"; available: {', '.join(sorted(names)) or 'none'}"


def _nearest(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 on an error."""
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
