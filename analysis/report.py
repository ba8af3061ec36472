"""Write the report of a study: ``python -m analysis.report study=svm_paper``; ``--help`` says more.

The report consists of figures, tables, the archive of the study, the page ``report.html`` and the
same page as ``README.md``. Files that ``python -m benchmarks.figure_data`` wrote are used if there
are any. If it wrote photos, a second page that shows them is written to their folder,
``results/runs/.photos/<study>``, which Git ignores.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analysis.data.study_names import available, has_archive, report_of, runs_of, study_of
from analysis.options import (
    BUDGET,
    STUDY,
    Command,
    Option,
    asks_for_help,
    budget_of,
    positive,
    refuse,
)
from analysis.page.prices import PRICE, WORKERS

if TYPE_CHECKING:  # slow to import
    from analysis.data.study import Study

COMMAND = Command(
    name="report",
    module="analysis.report",
    purpose="Turn the runs of a study into figures, tables, and a page that opens from disk.",
    usage="study=NAME [KEY=VALUE ...]",
    options=(
        *STUDY,
        Option(
            "runs", "FOLDER", "read the runs below this folder",
            "results/runs/NAME or, without runs there, the archive in results/NAME",
        ),
        Option(
            "archive", "FOLDER",
            "also analyse the runs of this archive that are not among the runs",
        ),
        BUDGET,
        Option("out", "FOLDER", "write to this folder", "results/NAME"),
        Option("price", "USD", "price of an hour of evaluation cost", f"{PRICE:.2f}"),
        Option("workers", "NUMBER", "machines that would share the cost of a serial run",
               str(WORKERS)),
    ),
    examples=(
        "study=svm_paper",
        "study=svm_paper out=elsewhere",
        "study=mine runs=/data/runs/mine price=2.5 workers=8",
    ),
)  # fmt: skip


class Options(NamedTuple):
    """Options of the command line."""

    study: str
    """name of the study"""
    runs: Path | None
    """folder with runs; None for the default folders"""
    out: Path
    """folder to write to"""
    price: float = PRICE
    """price of one hour of evaluation cost in USD"""
    workers: int = WORKERS
    """number of workers among which the cost of a serial run is divided"""
    budget: float | None = None
    """cost at which runs are cut, in target evaluations; None for the smallest budget of a task"""
    archive: Path | None = None
    """folder of an archive whose other runs are analysed, too"""


def parse(arguments: Sequence[str]) -> Options:
    """Parse the command line.

    Raises:
        ValueError: if a key is unknown, repeated or has no value, if the study is missing or not
            the name of a folder, or if the price, the number of workers or the budget is not
            positive.
    """
    values = COMMAND.parse(arguments)
    study = study_of(values)
    return Options(
        study,
        Path(values["runs"]) if "runs" in values else None,
        Path(values.get("out", report_of(study))),
        positive(values, "price", PRICE),
        int(positive(values, "workers", WORKERS, whole=True)),
        budget_of(values),
        Path(values["archive"]) if "archive" in values else None,
    )


def read(options: Options) -> Study:
    """Read the runs or, if there are none, the archive, and select the runs to analyse.

    Raises:
        ValueError: if there are neither runs nor an archive, if they are not valid, or if no run
            has finished.
    """
    from analysis.data.study import from_archive, from_traces

    folder = options.runs or runs_of(options.study)
    if options.runs is not None and not folder.is_dir():
        raise ValueError(f"runs={folder}: no such folder")
    if options.runs is not None or any(folder.rglob("meta.json")):
        return from_traces(folder, options.budget, options.archive)
    if not has_archive(options.study):
        raise ValueError(
            f"study={options.study}: no runs in {folder}, no archive in "
            f"{report_of(options.study)}{available(options.study)}"
        )
    return from_archive(report_of(options.study), options.budget)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a mistake."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if asks_for_help(words):
        print(COMMAND.help(), end="")
        return 0
    try:
        options = parse(words)
        study = read(options)
    except (ValueError, OSError) as error:
        return refuse(error)
    from analysis.page.writer import write_report

    for line in study.selection.lines:
        print(line)
    try:
        written = write_report(study, options.study, options.out, options.price, options.workers)
    except OSError as error:  # of the folder or the disk
        return refuse(error)
    for path in written:
        print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
