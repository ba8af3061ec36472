"""Names of studies, and the folders that hold their runs, archives and data.

An experiment is a plan in ``conf/experiment``; its runs form the study of the same name, so
``study=NAME`` and ``experiment=NAME`` mean the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from analysis.options import nearest

RESULTS = Path("results")
RUNS = "runs.json"
"""the file that tells an archive from other folders"""


def study_of(values: Mapping[str, str]) -> str:
    """Return the name that ``study=NAME`` or ``experiment=NAME`` gives.

    Args:
        values: values of options by key.

    Raises:
        ValueError: neither is given, both are and differ, or the name would leave ``results``.
    """
    named = {key: values[key] for key in ("study", "experiment") if key in values}
    if not named:
        raise ValueError(f"study=NAME is missing{available()}")
    if len(set(named.values())) > 1:
        raise ValueError(" and ".join(f"{k}={v}" for k, v in named.items()) + ": name one study")
    key, name = next(iter(named.items()))
    # the same names as benchmarks.settings allows for a run
    if not re.fullmatch(r"(?!\.+$)[^/\\\x00-\x1f]{1,200}", name):
        raise ValueError(
            f"{key}={name!s}: must be the name of a folder in {RESULTS}, without slashes"
            f"{available(name)}"
        )
    return name


def runs_of(study: str) -> Path:
    """Return the folder of a study's runs."""
    return RESULTS / "runs" / study


def report_of(study: str) -> Path:
    """Return the folder of a study's report and archive."""
    return RESULTS / study


def photos_of(study: str) -> Path:
    """Return the folder of photos that may be shown here but not published; Git ignores it."""
    return RESULTS / "runs" / ".photos" / study


def has_archive(study: str) -> bool:
    """Return True if an earlier report of the study left an archive."""
    return (report_of(study) / RUNS).is_file()


def study_names() -> list[str]:
    """Return the names of all studies with runs or an archive here, sorted."""
    folders = (RESULTS / "runs").glob("*")
    names = {path.name for path in folders if path.is_dir() and path.name[0] != "."}
    return sorted(names | {path.parent.name for path in RESULTS.glob(f"*/{RUNS}")})


def available(name: str = "") -> str:
    """Return the nearest study to a name and all studies, as the end of an error message."""
    names = study_names()
    return f"{nearest(name, names)} (studies here: {', '.join(names) or 'none'})"


def describe(study: str) -> str:
    """Return one line about a study: its numbers of runs, methods and tasks."""
    runs = [path.parent.parts[-3:-1] for path in runs_of(study).rglob("meta.json")]
    where = "runs"
    if not runs:
        try:
            entries = json.loads((report_of(study) / RUNS).read_text())["runs"]
            runs = [(entry["task"], entry["method"]) for entry in entries]
        except (OSError, ValueError, KeyError, TypeError):
            return "no runs yet"
        where = "archived runs"
    tasks, methods = ({run[part] for run in runs} for part in (0, 1))
    return (
        f"{len(runs)} {where if len(runs) > 1 else where[:-1]}: "
        f"{len(methods)} method{'s'[: len(methods) > 1]}, "
        f"{len(tasks)} task{'s'[: len(tasks) > 1]}"
    )
