"""The folder of a run: its name, its key, and whether to start, resume or leave it alone."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmarks.core.protocols import Method, Task
from benchmarks.lock import FolderLock
from benchmarks.runner.trace import Trace, read_json, write_json

# settings that do not change what a run computes
OUTSIDE_KEY = ("study", "results", "resume", "plot", "summary", "allow", "experiment")
# below a group: where data or machines are
OUTSIDE_PATH = ("task.data_dir", "workers.address")


class KeyMismatchError(ValueError):
    """The folder holds a run with other settings."""


def path_of(settings: Mapping[str, Any], overrides: Sequence[str]) -> Path:
    """``<results>/<study>/<task>/<method and other overrides>/seed-<n>``.

    Overrides below ``method``, ``task``, ``budget``, ``workers`` join the method's name, so that
    the runs of a sweep over, say, ``method.eta`` have a folder each.
    """
    names = ("method", "task", "budget", "workers")
    extra = [
        override.lstrip("+~")
        for override in overrides
        if (
            override.lstrip("+~").startswith(tuple(f"{name}." for name in names))
            and not override.lstrip("+~").startswith(OUTSIDE_PATH)
        )
        or override.startswith("budget=")
    ]
    label = ",".join([str(settings["method"]["name"]), *sorted(extra)])
    label = re.sub(r"[^\w.,=+-]", "_", label)
    if len(label) > 120:
        label = f"{label[:100]}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"
    root = Path(settings["results"]) / str(settings["study"])
    return root / str(settings["task"]["name"]) / label / f"seed-{settings['seed']}"


def key_of(settings: Mapping[str, Any], method: Method, task: Task) -> dict[str, Any]:
    """Everything that decides what a run computes, flat: setting -> value.

    Our own classes are known by the names and versions of method and task; of any other the key
    has ``_target_``, and a hash of its source file.
    """
    kept = {k: v for k, v in settings.items() if k not in OUTSIDE_KEY}
    flat = {k: v for k, v in _flatten(kept) if k not in OUTSIDE_PATH}
    flat.update(_flatten({"identity": dict(task.identity)}))
    for group, made in (("method", method), ("task", task)):
        flat[f"{group}.version"] = made.version
        target = f"{group}._target_"
        if is_own(flat.get(target)):
            del flat[target]
        else:
            flat[f"{group}.source"] = _source_hash(str(flat[target]))
    plain: dict[str, Any] = json.loads(json.dumps(flat, default=str))
    return plain


def is_own(target: object) -> bool:
    """Return True if a ``_target_`` names a class of this suite."""
    return str(target).partition(".")[0] in ("methods", "tasks")


def _source_hash(target: str) -> str | None:
    """Return the start of the sha256 of the file of a loaded class; None if it has no file."""
    loaded = sys.modules.get(target.rpartition(".")[0])
    file = getattr(loaded, "__file__", None)
    return None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


class RunFolder:
    """One run's folder, locked while in its ``with`` block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trace = Trace(path / "trace.jsonl")
        self._lock = FolderLock(path / ".lock")

    def __enter__(self) -> RunFolder:
        """Create and lock the folder.

        Raises:
            benchmarks.lock.LockedError: another process runs here.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._lock.__exit__(*exception)

    def clear(self) -> None:
        """Throw away what the folder holds."""
        for entry in self.path.iterdir():
            if entry.name == ".lock":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def meta(self) -> dict[str, Any]:
        """The content of ``meta.json``; empty for a new folder."""
        return read_json(self.path / "meta.json")

    def write_meta(self, meta: Mapping[str, Any]) -> None:
        """Replace ``meta.json``."""
        write_json(self.path / "meta.json", meta)

    def write_config(self, settings: Mapping[str, Any]) -> None:
        """Write the resolved settings as ``config.yaml``."""
        (self.path / "config.yaml").write_text(OmegaConf.to_yaml(dict(settings)))

    def check_key(self, key: Mapping[str, Any], at_default: Sequence[str] = ()) -> None:
        """Check that what the folder holds was made with the same key.

        Args:
            key: of the run that is to go on.
            at_default: names in it whose value is the default: a run made before there was such
                an option does not have them.

        Raises:
            KeyMismatchError: another key, or a trace without one; names the first differences.
        """
        held = self.meta().get("key")
        if held is None and not self.trace.path.exists():
            return
        differences = "no key"
        if held is not None:
            held = {n: v for n, v in held.items() if not (n.endswith("._target_") and is_own(v))}
            held = {name: key[name] for name in at_default if name in key} | held
            if held == key:
                return
            names = [n for n in {**held, **key} if held.get(n) != key.get(n)]
            pairs = [f"{n} was {held.get(n)}, is {key.get(n)}" for n in names[:3]]
            differences = "; ".join(pairs) + (" ..." if len(names) > 3 else "")
        raise KeyMismatchError(
            f"{self.path} holds another run ({differences}): "
            "choose another study=NAME, or resume=false to throw it away"
        )


def _flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
