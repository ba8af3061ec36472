"""Tuning tasks, under the names used in ``conf/task``; each is imported on first access.

Lower-case names are factory functions: they return the replay of a table or the live task.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "BoostedTrees": "tasks.boosted_trees.task",
    "Cars": "tasks.cars.live",
    "Command": "tasks.command",
    "ConvolutionalNet": "tasks.convolutional_net.task",
    "Declared": "tasks.declared",
    "LanguageModel": "tasks.language_model.task",
    "RecordedCurves": "tasks.replay.curves",
    "RecordedTask": "tasks.replay.evaluations",
    "SVM": "tasks.svm",
    "Synthetic": "tasks.synthetic",
    "cars_task": "tasks.cars.task",
    "cnn_fashion": "tasks.convolutional_net.task",
    "gbm_covertype": "tasks.boosted_trees.task",
    "lm_shakespeare": "tasks.language_model.task",
    "svm_task": "tasks.svm",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
