"""A task that returns or raises whatever user code may, one kind after another."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config
from benchmarks.core.trial import Fidelities, History, Observation, Suggestion, Truth
from support.tiny import Tiny


def _raise(error: BaseException) -> Callable[[], Any]:
    def raises() -> Any:
        raise error

    return raises


KINDS: dict[str, Callable[[], Any]] = {
    "zero": lambda: Observation(0.0, 1.0),
    "negative": lambda: Observation(-0.9, 1.0),
    "huge": lambda: Observation(1e300, 1e-300),
    "free": lambda: Observation(0.5, 0.0),
    "nan": lambda: Observation(math.nan, 1.0),
    "infinite": lambda: Observation(-math.inf, 1.0),
    "dear": lambda: Observation(0.5, math.inf),
    "debt": lambda: Observation(0.5, -1.0),
    "float32": lambda: Observation(np.float32(0.5), np.float32(1)),  # type: ignore[arg-type]
    "array": lambda: Observation(np.array([0.5]), np.array(1.0)),  # type: ignore[arg-type]
    "arrays": lambda: Observation(np.ones(2), 1.0),  # type: ignore[arg-type]
    "text": lambda: Observation("0.5", "1"),  # type: ignore[arg-type]
    "complex": lambda: Observation(1j, 1.0),  # type: ignore[arg-type]
    "status": lambda: Observation(0.5, 1.0, "fine"),  # type: ignore[arg-type]
    "running": lambda: Observation(0.5, 1.0, "running"),
    "unhashable": lambda: Observation(0.5, 1.0, []),  # type: ignore[arg-type]
    "info": lambda: Observation(0.5, 1.0, info={"lock": threading.Lock(), "nan": [math.nan]}),
    "no info": lambda: Observation(0.5, 1.0, info=None),  # type: ignore[arg-type]
    "test": lambda: Observation(0.5, 1.0, test_loss=math.nan),
    "none": lambda: None,
    "number": lambda: 0.5,
    "dict": lambda: {"loss": 0.5},
    "class": lambda: Observation,
    "value error": _raise(ValueError("several\nlines [/x] <b>")),
    "key error": _raise(KeyError("x")),
    "memory": _raise(MemoryError()),
    "assertion": _raise(AssertionError()),
    "recursion": _raise(RecursionError("deep")),
    "stop": _raise(StopIteration()),
    "exit": _raise(SystemExit(3)),
    "system": lambda: sys.exit("no licence"),
    "generator": _raise(GeneratorExit()),
    "os": _raise(OSError(28, "No space left on device")),
    "unicode": _raise(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "müller")),
}


class Hostile(Tiny):
    """Evaluates well for the first ``good`` trials, then answers as ``kinds`` say, by turns."""

    reproducible = False
    best_loss = None
    target_cost = None

    def __init__(self, kinds: Sequence[str] = ("none",), good: int = 0, truth: str = "") -> None:
        super().__init__()
        self._kinds, self._good, self._truth, self._count = list(kinds), good, truth, 0

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        config["x"] = "changed"  # a copy is handed out, so the trace must not follow
        self._count += 1
        if self._count <= self._good:
            return Observation(float(rng.random()), fidelity)
        answer: Observation = KINDS[self._kinds[self._count % len(self._kinds)]]()
        return answer

    def truth(self, config: Config) -> Truth:
        if self._truth == "raises":
            raise ValueError("no truth\nhere")
        if self._truth == "nan":
            return Truth(math.nan, math.inf)
        return Truth()


class HostileMethod(Method):
    """Suggests and recommends what ``kind`` says."""

    def __init__(self, space: Any, fidelities: Fidelities, kind: str = "fine") -> None:
        self._space, self._fidelities, self._kind = space, fidelities, kind

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
        config = self._space.sample(rng)
        kinds: dict[str, Callable[[], Any]] = {
            "fine": lambda: Suggestion(config),
            "none": lambda: None,
            "outside": lambda: Suggestion({**config, "x": 7.0}),
            "missing": lambda: Suggestion({"x": 0.5}),
            "nan": lambda: Suggestion({**config, "x": math.nan}),
            "fidelity": lambda: Suggestion(config, 2.0),
            "text": lambda: Suggestion(config, "full"),  # type: ignore[arg-type]
            "tuple": lambda: (config, 1.0),
            "note": lambda: Suggestion(config, 1.0, {"lock": threading.Lock()}),
            "changes": lambda: history.trials[0].config.clear() or Suggestion(config),  # type: ignore[func-returns-value]
            "raises": _raise(ZeroDivisionError("by\nzero")),
        }
        return kinds[self._kind]() if self._kind in kinds and len(history) else Suggestion(config)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        if self._kind == "recommends":
            raise IndexError("nothing")
        if self._kind == "recommends rubbish":
            return {"x": math.nan}
        return None


METHODS = (
    *("fine", "none", "outside", "missing", "nan", "fidelity", "text", "tuple", "note", "changes"),
    *("raises", "recommends", "recommends rubbish"),
)
