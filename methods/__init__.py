"""Tuning methods: the classes named in ``conf/method``, each imported on first access.

``from methods import Fabolas`` loads only the modules that Fabolas needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "ASHA": "methods.asha",
    "EmukitES": "methods.references.emukit_entropy",
    "EmukitFabolas": "methods.references.emukit_fabolas",
    "EmukitMES": "methods.references.emukit_entropy",
    "EntropySearch": "methods.entropy_search",
    "ExpectedImprovement": "methods.expected_improvement",
    "Fabolas": "methods.fabolas",
    "GPyEI": "methods.references.gpy_ei",
    "Hyperband": "methods.hyperband",
    "MTBO": "methods.mtbo",
    "Multitask": "methods.multitask",
    "RandomSearch": "methods.random_search",
    "SigOpt": "methods.references.sigopt",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
