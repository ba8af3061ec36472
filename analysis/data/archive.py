"""The archive of a study, small enough to commit: its tidy table and the metadata of its runs."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.run_metadata import RunMetadata
from analysis.data.study_names import RUNS

TRIALS = "trials.csv.gz"
FORMAT = 1
SHARED = ("version", "versions", "machine", "task_facts")
"""fields that are equal in many runs, so that each value is stored once; older archives lack the
last one"""


def write_archive(table: pd.DataFrame, runs: Sequence[RunMetadata], folder: Path) -> list[Path]:
    """Write ``trials.csv.gz`` and ``runs.json``; the same runs always give the same bytes.

    Args:
        table: tidy table of the analysed runs, as returned by ``analysis.data.tidy.tidy``.
        runs: metadata of all runs, including those left out of the analysis.
        folder: the destination; created if it does not exist.

    Returns:
        The paths of both files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {str(name): _kind(table[name]) for name in table.columns}
    written = table.copy()
    for name, kind in kinds.items():
        if kind == "json":
            written[name] = [None if _missing(x) else json.dumps(x) for x in table[name]]
    # pandas writes floats as repr does: the fewest digits that round-trip exactly
    text = written.to_csv(index=False, lineterminator="\n")
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    (folder / TRIALS).write_bytes(buffer.getvalue())

    blocks: dict[str, list[Any]] = {name: [] for name in SHARED}
    entries = []
    for run in sorted(runs, key=lambda r: (r.task, r.method, r.seed, r.started)):
        entry = asdict(run)
        for name, stored in blocks.items():
            if entry[name] not in stored:
                stored.append(entry[name])
            entry[name] = stored.index(entry[name])
        entries.append(json.dumps(entry))
    head = json.dumps({"format": FORMAT, "columns": kinds, "blocks": blocks}, indent=1)
    # one line per run keeps the diff of a later change small
    body = ",\n  ".join(entries)
    (folder / RUNS).write_text(f'{head[:-2]},\n "runs": [\n  {body}\n ]\n}}\n')
    return [folder / TRIALS, folder / RUNS]


def read_archive(folder: Path) -> tuple[pd.DataFrame, list[RunMetadata]]:
    """Read an archive that ``write_archive`` wrote.

    Returns:
        The tidy table of the analysed runs, and the metadata of all runs.

    Raises:
        ValueError: if a file of the archive is missing or cannot be read as one.
    """
    try:
        stored = json.loads((folder / RUNS).read_text())
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']}, not {FORMAT}")
        shared: dict[str, list[Any]] = stored["blocks"]
        runs = [
            RunMetadata(**entry | {name: values[entry[name]] for name, values in shared.items()})
            for entry in stored["runs"]
        ]
        kinds: dict[str, str] = stored["columns"]
        texts = pd.read_csv(
            io.BytesIO(gzip.decompress((folder / TRIALS).read_bytes())),
            dtype="str",
            keep_default_na=False,
            na_values=[""],
        )
        # parse with Python's float, which is exact; the parser of pandas differs between versions
        table = pd.DataFrame({name: _read(texts[name], kind) for name, kind in kinds.items()})
    except FileNotFoundError as error:
        raise ValueError(f"no archive in {folder}: {error.filename} is missing") from error
    except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError) as error:
        raise ValueError(f"{folder} does not hold a valid archive: {error!r}") from error
    return table, runs


def _kind(column: pd.Series) -> str:
    """Return the format of a column: ``float``, ``int``, ``bool``, ``text`` or ``json``."""
    numeric = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    if column.dtype.kind in numeric:
        return numeric[column.dtype.kind]
    # categorical values, or types that differ between tasks: JSON tells 1, "1" and true apart
    return "json" if str(column.name).startswith("config.") else "text"


def _read(texts: pd.Series, kind: str) -> pd.Series:
    if kind == "text":
        return texts
    if kind == "json":
        return pd.Series([np.nan if _missing(x) else json.loads(x) for x in texts])
    if kind == "bool":
        return texts == "True"
    return pd.Series(texts.to_numpy(dtype=object).astype({"float": float, "int": int}[kind]))


def _missing(value: object) -> bool:
    return value is None or value != value  # NaN
