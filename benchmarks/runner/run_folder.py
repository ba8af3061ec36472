"""The folder of a run: its path, its files, and the key that decides if it can be resumed."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import RunMeta, decode
from benchmarks.lock import FolderLock
from benchmarks.runner.files import replace_file
from benchmarks.runner.trace import DamagedError, Trace
from benchmarks.settings import RunSettings

# settings that do not change the results of a run; a larger budget only makes it longer
OUTSIDE_KEY = (
    "study",
    "results",
    "resume",
    "plot",
    "summary",
    "allow",
    "allow_command",
    "experiment",
    "budget",
)
# the same, inside a group: locations of data and machines
OUTSIDE_PATH = ("task.data_dir", "workers.address")
# untuned configs of our tasks: results are compared with them, and do not depend on them
BASELINES = ("task.baseline", "task.baseline_default")
HOURS = "task.hours_per_training"


class KeyMismatchError(ValueError):
    """The folder holds a run with different settings."""


def path_of(settings: RunSettings, overrides: Sequence[str]) -> Path:
    """Return the folder of a run: ``<results>/<study>/<task>/<method and overrides>/seed-<n>``.

    Overrides of keys in ``method``, ``task`` and ``workers`` are appended to the name of the
    method, so that each run of a sweep over, say, ``method.eta`` has its own folder. Those of the
    budget are not: a run can go on with a larger one. Version 0.1 appended them; such a folder is
    still found.

    Args:
        settings: settings of the run.
        overrides: command-line overrides, ``key=value``.
    """
    new = _path_with(settings, overrides, ("method", "task", "workers"))
    old = _path_with(settings, overrides, ("method", "task", "budget", "workers"))
    return old if old.exists() and not new.exists() else new


def _path_with(settings: RunSettings, overrides: Sequence[str], groups: Sequence[str]) -> Path:
    extra = []
    for override in (override.lstrip("+~") for override in overrides):
        inside = override.startswith(tuple(f"{name}." for name in groups))
        if (inside and not override.startswith(OUTSIDE_PATH)) or (
            "budget" in groups and override.startswith("budget=")
        ):
            extra.append(override)
    label = ",".join([settings.method.name, *sorted(extra)])
    label = re.sub(r"[^\w.,=+-]", "_", label)
    if len(label) > 120:
        label = f"{label[:100]}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"
    study = Path(settings.results) / settings.study
    return study / settings.task.name / label / f"seed-{settings.seed}"


def key_of(settings: RunSettings, method: Method, task: Task) -> dict[str, Any]:
    """Return all that determines the results of a run, as a flat dict: setting -> value.

    A class of this suite is identified by the name and version of the method or task; for any
    other class, the key also has ``_target_`` and a hash of the source file.
    """
    outside = [name for name in OUTSIDE_KEY if name != "budget" or not method.uses_budget]
    kept = {k: v for k, v in settings.plain.items() if k not in outside}
    flat = {k: v for k, v in _flatten(kept) if k not in OUTSIDE_PATH}
    flat.update(_flatten({"identity": dict(task.identity)}))
    for group, instance in (("method", method), ("task", task)):
        flat[f"{group}.version"] = instance.version
        target = f"{group}._target_"
        if is_own(flat.get(target)):
            del flat[target]
            flat = _without_baselines(flat) if group == "task" else flat
        else:
            flat[f"{group}.source"] = _source_hash(str(flat[target]))
    if flat.get(HOURS) is None:  # runs that were made before there was this option are the same
        flat.pop(HOURS, None)
    plain: dict[str, Any] = json.loads(json.dumps(_storable(flat), default=str))
    return plain


def is_own(target: object) -> bool:
    """Return True if a ``_target_`` names a class of this suite."""
    return str(target).partition(".")[0] in ("methods", "tasks")


def _source_hash(target: str) -> str | None:
    """Return the first 16 hex digits of the SHA-256 of a class's source file; None without one."""
    loaded = sys.modules.get(target.rpartition(".")[0])
    file = getattr(loaded, "__file__", None)
    return None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


class RunFolder:
    """The folder of one run; locked inside its ``with`` block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trace = Trace(path / "trace.jsonl")
        self._lock = FolderLock(path / ".lock")

    def __enter__(self) -> RunFolder:
        """Create and lock the folder.

        Raises:
            benchmarks.lock.LockedError: another process uses the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._lock.__exit__(*exception)

    def clear(self) -> None:
        """Delete everything in the folder but its lock."""
        for entry in self.path.iterdir():
            if entry.name == ".lock":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def meta(self) -> RunMeta | None:
        """Return the content of ``meta.json``; None for a new folder.

        Raises:
            DamagedError: the file is not the metadata of a run.
        """
        path = self.path / "meta.json"
        if not path.exists():
            return None
        try:
            return decode(path.read_bytes(), RunMeta)
        except ValueError as error:
            raise DamagedError(f"{path}: not the metadata of a run: {error}") from error

    def write_meta(self, meta: RunMeta) -> None:
        """Replace ``meta.json``; waits for the disk if the task trains."""
        text = json.dumps(_storable(meta), indent=1, default=str, allow_nan=False) + "\n"
        sync = not meta["task_facts"].get("reproducible")
        replace_file(self.path / "meta.json", text.encode(), sync)

    def write_config(self, settings: RunSettings) -> None:
        """Write the resolved settings as ``config.yaml``."""
        (self.path / "config.yaml").write_text(OmegaConf.to_yaml(settings.plain))

    def check_key(self, key: Mapping[str, Any], at_default: Sequence[str] = ()) -> None:
        """Check that the folder is new, or holds a run with the same key.

        Args:
            key: key of the run to start or resume.
            at_default: names in ``key`` whose value is the default: a run from before such an
                option existed does not have them in its key.

        Raises:
            KeyMismatchError: the folder has a different key, or a trace but no key; the message
                lists the first differences.
        """
        meta = self.meta()
        held = None if meta is None else meta.get("key")
        if held is None and not self.trace.path.exists():
            return
        differences = "no key"
        if held is not None:
            if "task._target_" not in key:  # a task of ours; its runs had them before
                held = _without_baselines(held)
            held = {n: v for n, v in held.items() if not (n.endswith("._target_") and is_own(v))}
            if not any(name.startswith("budget.") for name in key):  # runs of version 0.1 had it
                held = {n: v for n, v in held.items() if not n.startswith("budget.")}
            held = {name: key[name] for name in at_default if name in key} | held
            if held == key:
                return
            names = [n for n in {**held, **key} if held.get(n) != key.get(n)]
            pairs = [f"{n} was {held.get(n)}, is {key.get(n)}" for n in names[:3]]
            differences = "; ".join(pairs) + (" ..." if len(names) > 3 else "")
        raise KeyMismatchError(
            f"{self.path} holds another run ({differences}): "
            "choose another study=NAME, or delete it with resume=false"
        )


def _storable(value: Any) -> Any:
    """Return numbers that are not finite, of which JSON has none, as texts such as ``inf``."""
    if isinstance(value, Mapping):
        return {name: _storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _without_baselines(flat: Mapping[str, Any]) -> dict[str, Any]:
    inside = tuple(f"{name}." for name in BASELINES)
    return {n: v for n, v in flat.items() if n not in BASELINES and not n.startswith(inside)}


def _flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
