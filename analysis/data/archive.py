"""Compact traces, small enough to be committed: the tidy table and what is known of each run."""

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

TRIALS, RUNS = "trials.csv.gz", "runs.json"
FORMAT = 1
SHARED = ("version", "versions", "machine")  # blocks that many runs have in common


def write_archive(table: pd.DataFrame, facts: Sequence[RunMetadata], folder: Path) -> list[Path]:
    """Write ``trials.csv.gz`` and ``runs.json``; the same runs give the same bytes.

    Args:
        table: trials of the runs that are analysed, as ``analysis.data.tidy.tidy`` makes it.
        facts: of all runs, also of those that were left out.
        folder: made if it is not there.

    Returns:
        The paths of both files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {str(name): _kind(table[name]) for name in table.columns}
    written = table.copy()
    for name, kind in kinds.items():
        if kind == "json":
            written[name] = [None if _missing(x) else json.dumps(x) for x in table[name]]
    # floats as repr writes them: the fewest digits that are read back as the same number
    text = written.to_csv(index=False, lineterminator="\n")
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    (folder / TRIALS).write_bytes(buffer.getvalue())

    blocks: dict[str, list[Any]] = {name: [] for name in SHARED}
    runs = []
    for one in sorted(facts, key=lambda f: (f.task, f.method, f.seed, f.started)):
        entry = asdict(one)
        for name, known in blocks.items():
            if entry[name] not in known:
                known.append(entry[name])
            entry[name] = known.index(entry[name])
        runs.append(json.dumps(entry))
    head = json.dumps({"format": FORMAT, "columns": kinds, "blocks": blocks}, indent=1)
    # one line a run, so that a later change is a small difference
    body = ",\n  ".join(runs)
    (folder / RUNS).write_text(f'{head[:-2]},\n "runs": [\n  {body}\n ]\n}}\n')
    return [folder / TRIALS, folder / RUNS]


def read_archive(folder: Path) -> tuple[pd.DataFrame, list[RunMetadata]]:
    """Read what ``write_archive`` wrote.

    Raises:
        ValueError: it is not there, or not ours.
    """
    try:
        stored = json.loads((folder / RUNS).read_text())
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']}, not {FORMAT}")
        shared = {name: stored["blocks"][name] for name in SHARED}
        facts = [
            RunMetadata(**entry | {name: shared[name][entry[name]] for name in SHARED})
            for entry in stored["runs"]
        ]
        kinds: dict[str, str] = stored["columns"]
        texts = pd.read_csv(
            io.BytesIO(gzip.decompress((folder / TRIALS).read_bytes())),
            dtype="str",
            keep_default_na=False,
            na_values=[""],
        )
        # by Python's own float, which is exact; what pandas does has changed between versions
        table = pd.DataFrame({name: _read(texts[name], kind) for name, kind in kinds.items()})
    except FileNotFoundError as error:
        raise ValueError(f"no archive in {folder}: {error.filename} is missing") from error
    except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError) as error:
        raise ValueError(f"{folder} holds no archive of ours: {error!r}") from error
    return table, facts


def _kind(column: pd.Series) -> str:
    """How a column is written: ``float``, ``int``, ``bool``, ``text`` or ``json``."""
    known = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    if column.dtype.kind in known:
        return known[column.dtype.kind]
    # names of choices, or kinds mixed between tasks: as JSON, so that 1, "1" and true stay apart
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
