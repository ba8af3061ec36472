"""Write, read and check tables: recordings in the format that a replay reads.

A table is one npz file; ``tasks/tables/FORMAT.md`` describes it. ``meta`` is a JSON text: kind and
format number, search space, fidelities, identity of the task, versions, machines, and a hash of
everything else. The other arrays are the columns of its kind: evaluations (``EVALUATIONS``) or
curves (``tasks.replay.curves.CURVES``).
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.space import Space

FOLDER = Path(__file__).resolve().parents[1] / "tables"
MOST_BYTES = 5_000_000
"""size of the largest table: all of them ship with the suite"""
OUTSIDE_HASH = ("sha256", "facts")
"""keys of ``meta`` that the hash leaves out; ``facts`` describes the recording and changes no
evaluation, so that a run is the same whatever it says"""


@dataclass(frozen=True)
class Kind:
    """A kind of table: its format number and columns."""

    name: str
    format: int
    """increased whenever a reader of the previous number would misread the file"""
    columns: Mapping[str, str]
    """name -> numpy type of each array"""
    older: Mapping[int, Collection[str]] = field(default_factory=dict)
    """older format number that is read, too -> the columns that its tables lack"""

    def columns_of(self, number: Any, path: Path) -> list[str]:
        """Return the names of the columns of a table with a format number.

        Raises:
            TableError: this version does not read the format; the message names ``path``.
        """
        lacking = {**self.older, self.format: ()}
        if number not in lacking:
            known = " and ".join(map(str, sorted(lacking)))
            raise TableError(f"{path} has table format {number}, this version reads {known}")
        return [name for name in self.columns if name not in lacking[number]]


EVALUATIONS = Kind(
    "evaluations",
    2,
    {
        "config": "<f8",  # (rows, hyperparameters), in the order of meta["space"]; Space.numbers
        "fidelity": "<f8",  # share of the full training
        "subset_seed": "<i2",
        "held_out": "|b1",  # recorded to check the interpolation, not used by it
        "loss": "<f8",  # validation loss; NaN where the evaluation failed
        "test_loss": "<f8",  # test loss of the same fitted model
        "cost": "<f8",  # CPU seconds, normalised to an idle core of the first machine
        "wall": "<f4",  # wall seconds, as measured
        "marked": "|b1",  # timed on a busy machine and not yet timed again
    },
)
"""Table of evaluations: each column has one entry per evaluation."""


class TableError(ValueError):
    """A file is not a table that this version can read; the message is one line."""


@dataclass(frozen=True)
class Table:
    """A recording: its metadata and the columns of its kind."""

    meta: Mapping[str, Any]
    columns: Mapping[str, NDArray[Any]]

    @cached_property
    def space(self) -> Space:
        """Return the search space of the recorded task."""
        return Space.from_spec(self.meta["space"])

    def config(self, row: int) -> dict[str, Any]:
        """Return the config of a row."""
        return self.space.from_numbers(self.columns["config"][row])

    @property
    def sha256(self) -> str:
        """Return the hash of meta and columns; it is part of a replay's identity."""
        return str(self.meta["sha256"])


def path_of(name: str) -> Path:
    """Return the path of a table, given a shipped name or a path ending in ``.npz``."""
    return Path(name) if name.endswith(".npz") else FOLDER / f"{name}.npz"


def kind_of(path: Path) -> str:
    """Return the name of a table's kind, without reading its columns.

    Raises:
        TableError: the file is missing, or not a table.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return str(json.loads(str(stored["meta"])).get("kind", EVALUATIONS.name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(f"{path} is not a table of this suite ({error})") from error


def check_asked(identity: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` if an option of the live task differs from that of the recording.

    None and False are always accepted.
    """
    for name, value in asked.items():
        recorded = identity.get(name)
        if value not in (None, False, recorded):
            held = f" ({name}={recorded})" if recorded is not None else ""
            raise ValueError(
                f"task.{name}={value}: no such trainings are recorded{held}; set task.source=live"
            )


def write(
    path: Path,
    meta: Mapping[str, Any],
    columns: Mapping[str, NDArray[Any]],
    kind: Kind = EVALUATIONS,
) -> Table:
    """Write a table atomically; kind, format number and hash are added to ``meta``.

    Raises:
        TableError: it is larger than ``MOST_BYTES``; nothing is written.
    """
    typed = {name: np.ascontiguousarray(columns[name], dtype=t) for name, t in kind.columns.items()}
    complete = {**meta, "kind": kind.name, "format": kind.format}
    complete["sha256"] = _sha256(complete, typed)
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path, complete, typed)
    return Table(complete, typed)


def _save(path: Path, meta: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, meta=np.array(json.dumps(meta)), **columns)  # type: ignore[arg-type]
    size = temporary.stat().st_size
    if size > MOST_BYTES:
        temporary.unlink()
        raise TableError(
            f"{path}: the table would have {size / 1e6:.1f} MB, allowed are {MOST_BYTES / 1e6:g}"
        )
    os.replace(temporary, path)


def amend(path: Path, facts: Mapping[str, Any]) -> None:
    """Replace ``meta["facts"]`` of a table of any kind and format; its hash stays what it is.

    Raises:
        TableError: it would be larger than ``MOST_BYTES``; nothing is written.
    """
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    meta = json.loads(str(arrays.pop("meta"))) | {"facts": facts}
    _save(path, meta, arrays)


def read(path: Path, kind: Kind = EVALUATIONS) -> Table:
    """Read and check a table.

    Raises:
        TableError: the file is missing, truncated, not a table, of another kind or format number,
            or does not match its hash.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if "meta" not in stored.files:
                raise TableError(f"{path} is not a table of this suite")
            meta = json.loads(str(stored["meta"]))
            if not isinstance(meta, dict) or "sha256" not in meta:
                raise TableError(f"{path} is not a table of this suite")
            name = meta.get("kind", EVALUATIONS.name)  # tables of format 2 may lack the key
            if name != kind.name:
                raise TableError(f"{path} is a table of {name}, not of {kind.name}")
            columns = {name: stored[name] for name in kind.columns_of(meta.get("format"), path)}
    except FileNotFoundError:
        raise TableError(f"no table {path}") from None
    except TableError:
        raise
    except (OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise TableError(f"{path} is not a table of this suite ({error})") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise TableError(f"{path} is truncated or damaged ({error})") from error
    if _sha256(meta, columns) != meta["sha256"]:
        raise TableError(f"{path}: the content does not match its checksum")
    return Table(meta, columns)


def require(table: Table, keys: Collection[str], name: str) -> None:
    """Check that a table says what its replay needs: a hash does not tell.

    Args:
        table: the table.
        keys: keys that ``table.meta`` must have.
        name: name of the table, for the message.

    Raises:
        TableError: a key is missing.
    """
    for key in keys:
        if key not in table.meta:
            raise TableError(f"table {name}: its meta has no {key}; write it again (--compact)")


def _sha256(meta: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> str:
    hashed = {key: value for key, value in meta.items() if key not in OUTSIDE_HASH}
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode())
    for name, column in columns.items():
        contiguous = np.ascontiguousarray(column)
        digest.update(f"{name}{contiguous.shape}".encode())
        digest.update(contiguous.tobytes())
    return digest.hexdigest()
