"""Write the figures, the tables, the archive and the pages of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.data.archive import write_archive
from analysis.data.escaping import csv
from analysis.data.run_metadata import RunMetadata
from analysis.data.selection import spans
from analysis.data.study import Study
from analysis.data.study_names import photos_of, report_of
from analysis.figures.figure import Figure, save
from analysis.figures.misclassified import draw_misclassified
from analysis.page import cars_case_study as case_study
from analysis.page import page, sections
from analysis.page.entries import Entry, ReportContext, file_name
from analysis.page.figure_data import FigureData
from analysis.page.prices import PRICE, WORKERS
from analysis.page.tables import Table, to_markdown


def write_report(
    study: Study, name: str, out: Path, price: float = PRICE, workers: int = WORKERS
) -> list[Path]:
    """Write the archive, the figures, the tables and the pages of a report.

    Args:
        study: the study.
        name: its name.
        out: folder to write to; created if it does not exist.
        price: price of one hour of evaluation cost in USD.
        workers: number of workers among which the cost of a serial run is divided.

    Returns:
        The path of ``report.html`` and, if there are photos, that of the page that shows them.
    """
    write_archive(study.whole, study.runs, out)
    data = FigureData(name, report_of(name) / "data")
    context = ReportContext(study.table, data, price, workers, study.by_cost)
    stamp = _stamp(study)
    written = [
        page.Section(section.name, section.title, [_write(entry, out, stamp) for entry in entries])
        for section in sections.sections_of(study.table)
        if (entries := section.entries(context))
    ]
    _write_table(study.selection.coverage, out / "tables" / "coverage")
    title = f"Report: {name}"
    content = page.Page(
        title, study.selection.lines, written, _provenance(study), study.selection.coverage
    )
    paths = [out / "report.html"]
    paths[0].write_text(page.render(content))
    (out / "README.md").write_text(page.as_markdown(content))
    photos = photos_of(name)
    pictures = _photos(context, photos)
    if pictures:
        local = page.Section("photos", "Photos: not for publication", pictures)
        note = "The photos on this page belong to their owners: not for publication."
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
        named = [task for task in tasks if name.endswith(file_name("", task))]
        return "".join(captions.get(task, "") for task in named or tasks) + made

    return stamp


def _photos(context: ReportContext, folder: Path) -> list[page.PageFigure]:
    """Draw the photos that ``benchmarks.figure_data`` wrote to a folder; save the figures there."""
    if not folder.is_dir():
        return []
    entries = [
        Entry(
            file_name("misclassified", task),
            task,
            partial(_misclassified, context, task, folder),
        )
        for task in sections.cars_tasks(context)
    ]
    elements = [_write(entry, folder) for entry in entries]
    return [element for element in elements if isinstance(element, page.PageFigure)]


def _misclassified(context: ReportContext, task: str, folder: Path) -> Figure:
    photos = case_study.with_photos(task, context.data, folder)
    return draw_misclassified(photos, case_study.counts(task, context.data))


def _write(
    entry: Entry, out: Path, stamp: Callable[[str], str] = lambda name: ""
) -> page.PageFigure | page.PageTable | page.Absent:
    """Make an entry, write its files below ``out`` and return it as an element of the page."""
    try:
        made = entry.make()
    except ValueError as error:  # the data do not suffice; any other exception is a bug
        return page.Absent(entry.title, str(error).rstrip("."))
    caption = made.caption + (stamp(entry.name) if entry.of_runs else "")
    if isinstance(made, Table):
        _write_table(made.data, out / "tables" / entry.name)
        return page.PageTable(entry.title, caption, made.data, f"tables/{entry.name}")
    png, _, numbers = save(made, out / "figures", entry.name)
    image = png.read_bytes()
    width = int.from_bytes(image[16:20], "big")  # the header of a PNG holds it here
    files = f"figures/{entry.name}"
    return page.PageFigure(entry.title, caption, image, numbers.read_text(), files, width)


def _write_table(data: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    csv(data).to_csv(f"{path}.csv", index=False)
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
        ("Cost", ["Evaluation cost, in seconds, unless a caption says otherwise."]),
        (
            "Incumbent",
            ["The recommended config (rule recommended), unless a caption says otherwise."],
        ),
        ("Spent", [f"{hours[0]:,.3g} h of evaluation cost, {hours[1]:,.3g} CPU h of overhead."]),
        ("Tasks", sorted(captions)),
        ("Commits", _distinct(_commit(run) for run in runs)),
        ("Machines", _distinct(", ".join(f"{n} {v}" for n, v in r.machine.items()) for r in runs)),
        ("Packages, all runs", [", ".join(sorted(common, key=str.lower))]),
        ("Packages, some runs", sorted(set.union(*versions) - common, key=str.lower)),
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
