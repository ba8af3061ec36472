"""Builds methods and tasks for the contract suites: by the name of a YAML, or ``module.Class``."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.components import build_method, build_task
from benchmarks.core.protocols import Method, Task
from methods.references.sigopt import environment
from support import photos
from support.settings import composed

ROOT = Path(__file__).resolve().parents[2]
_SAMPLER: dict[str, Any] = {"representers": 5, "innovations": 10, "burn_in": 5, "sampler_steps": 5}
SMALL: dict[str, dict[str, Any]] = {
    "emukit_es": {"restarts": 1, "candidates": 20, **_SAMPLER},
    "emukit_mes": {"restarts": 1, "candidates": 100, "grid": 100},
    "emukit_fabolas": {"initial_trials": 10, "restarts": 1, "candidates": 20, **_SAMPLER},
}
"""options of methods that take seconds a suggestion, with which they take hundredths"""
SMALL_LIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "lm_shakespeare": ("torch", {"characters": 10_000, "steps": 27, "subset_tokens": 640}),
    "cnn_fashion": ("torch", {"train_rows": 100, "subset_rows": 100}),
    "gbm_covertype": ("lightgbm", {"train_rows": 700, "subset_rows": 200}),
    # the lowest fidelity is 208 rows, eight of each of 26 classes
    "svm_letter": ("sklearn", {"backend": "sklearn", "train_rows": 500}),
}
"""the package that a live task needs, and options with which it trains in a second or so"""
OFFERED: dict[str, dict[str, Any]] = {
    "multitask": {"values": (0.1, 0.5, 1.0), "nominal": (0.1, 0.5, 1.0)},
}
"""fidelities of ``Tiny`` for methods that cannot do with any"""


def group_settings(group: str, name: str) -> dict[str, Any]:
    """The YAML's content; a dotted name stands for a class with default options."""
    if "." in name:
        return {"_target_": name, "name": name}
    found: dict[str, Any] = composed(f"{group}={name}")[group]
    return found


def make_method(name: str, task: Task, **options: Any) -> Method:
    """A fresh method for a task, with its YAML's options, or cheaper ones where those are slow."""
    if name == "sigopt" and not environment().is_file():
        pytest.skip(f"no environment for SigOpt: {environment()} is missing")
    if name == "multitask" and 0.12 < task.fidelities.low < 1:  # too few rows for the talk's shares
        options = {"fidelity_values": [task.fidelities.low, 0.514, 1.0]} | options
    settings = group_settings("method", name) | SMALL.get(name, {}) | options
    return build_method(settings, [name.split(".")[0]], task.space, task.fidelities)


def task_settings(name: str) -> dict[str, Any]:
    """Settings that evaluate in seconds: recorded tasks as they are, others live and capped."""
    settings = group_settings("task", name)
    table = ROOT / "tasks" / "tables" / f"{settings.get('table')}.npz"
    if table.exists():
        return settings
    if name == "command":
        return settings | _script()
    if settings["_target_"] in ("tasks.Cars", "tasks.cars_task"):
        live = {"source": "live"} if "source" in settings else {}
        return settings | live | _small_cars()
    if name in SMALL_LIVE:
        package, options = SMALL_LIVE[name]
        pytest.importorskip(package)
        return settings | {"source": "live", "data_dir": _data_folder(name), **options}
    if "source" in settings:
        folder = _data_folder(name)
        settings |= {"source": "live", "data_dir": folder, "backend": "sklearn", "train_rows": 300}
        settings["timings"] = 1
    return settings


@functools.cache
def _script() -> dict[str, Any]:
    """Options of a command that is there: a script of these tests."""
    folder = Path(tempfile.mkdtemp(prefix="untunable-command-"))
    atexit.register(shutil.rmtree, folder)
    script = Path(__file__).with_name("train_command.py")
    words = "--lr {lr} --epochs {native} --checkpoint {checkpoint}"
    return {
        "command": f"'{sys.executable}' '{script}' {words}",
        "checkpoints": str(folder / "checkpoints"),
        "logs": str(folder / "logs"),
    }


def _data_folder(name: str) -> str:
    folder = os.environ.get("UNTUNABLE_DATA", str(ROOT.parent / "shared" / "data"))
    if not Path(folder).is_dir():
        pytest.skip(f"{name} is not recorded, and there is no data to train on in {folder}")
    return folder


@functools.cache
def _photos() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="untunable-photos-"))
    atexit.register(shutil.rmtree, folder)
    os.environ["XDG_CACHE_HOME"] = str(folder)  # features of made-up photos are not the user's
    photos.packed(folder / "stanford_cars_16px.npz", photos_per_class=10, classes=2)
    return folder


def _small_cars() -> dict[str, Any]:
    """Options with which an epoch takes a fraction of a second: few and small photos."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = _photos()
    small = {"data_dir": str(folder), "image_size": 16, "backbone": "resnet18", "epochs": 3}
    return small | {"weights": "random", "device": "cpu"}


def make_task(name: str) -> Task:
    """A task as ``task_settings`` describes it; the caller closes it."""
    return build_task(task_settings(name), [name.split(".")[0]])
