"""SigOpt's own optimiser, with Multitask where a task defines nominal costs: a reference.

As open-sourced in 2023 (sigoptlite 0.1.2 on libsigopt 1.0.0); what SigOpt ran in 2019, when the
talk was given, may have differed. It runs in an environment of its own, because it needs an older
numpy: see ``methods.references.sigopt_worker``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Categorical, Config, Float, Integer, PowerOfTwo, Space
from benchmarks.core.trial import Fidelities, History, Suggestion, Trial
from methods.references.sigopt_process import JsonProcess, WorkerError

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "sigopt-requirements.txt"
VARIABLE = "UNTUNABLE_SIGOPT"
CARRIED = "hyperparameters"


def environment(python: str | None = None) -> Path:
    """Return the Python that has sigoptlite.

    This is ``python``, else ``$UNTUNABLE_SIGOPT``, else ``untunable/sigopt/bin/python`` in
    ``$XDG_CACHE_HOME`` (by default ``~/.cache``).
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    usual = cache / "untunable" / "sigopt" / "bin" / "python"
    return Path(python or os.environ.get(VARIABLE) or usual).expanduser()


def install_command(python: Path) -> str:
    """Return the shell command that creates the environment of ``python``."""
    folder = python.parent.parent
    return f"python3.11 -m venv {folder} && {folder}/bin/pip install --no-deps -r {REQUIREMENTS}"


class SigOpt(Method):
    """Expected improvement per nominal cost at a task drawn beforehand, by SigOpt's library.

    Fidelities with a nominal cost are SigOpt's tasks. At first configs and tasks are uniform (for
    ``2 d + 1`` trials with ``d`` hyperparameters, and until at least five have succeeded). Then a
    task is drawn with probability proportional to ``exp(-nominal cost)``, and EI per cost is
    maximised at it. Without nominal costs, EI is maximised at the target fidelity, and other trials
    are not reported to SigOpt. After 600 observations, or with more than 50 hyperparameters, SigOpt
    uses its Parzen estimator. Pending trials are reported as open suggestions, which libsigopt
    imputes with the worst observed loss; failed trials are reported as failures. The incumbent is
    the observation with the lowest loss at the target fidelity.

    SigOpt starts each search for hyperparameters from those of the previous suggestion, so they are
    stored in the trial's note. On a space without a ``Float`` and without nominal costs, SigOpt
    raises an IndexError once every config has been observed.

    Args:
        space: search space of the task; every hyperparameter needs at least two values.
        fidelities: fidelities of the task.
        python: Python of an environment with the packages of ``sigopt-requirements.txt``; None for
            the default (see ``environment``).
        timeout: limit for one suggestion, in wall seconds.

    Raises:
        ValueError: if there is no such Python, the timeout is not a positive number, or SigOpt does
            not support a hyperparameter.
        WorkerError: from ``suggest``, if the library's process fails.
    """

    version = 1

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        python: str | None = None,
        timeout: float = 600,
    ) -> None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise ValueError(f"method.timeout={timeout}: must be a positive number of seconds")
        self.python = environment(python)
        if not self.python.is_file():
            install = install_command(self.python)
            raise ValueError(f"method.python: {self.python} not found; create it with: {install}")
        self.space = space
        self._parameters = [_sigopt_parameter(name, p) for name, p in space.parameters.items()]
        self._tasks: dict[float, dict[str, Any]] = {}
        if fidelities.values is not None and fidelities.nominal is not None:
            pairs = zip(fidelities.values, fidelities.nominal, strict=True)
            self._tasks = {s: {"name": repr(s), "cost": cost} for s, cost in pairs}
        command = [str(self.python), "-P", "-s", str(HERE / "sigopt_worker.py")]
        repair = f"; recreate it with: {install_command(self.python)}"
        self._library = JsonProcess(command, timeout, _check_versions, repair)
        self.cpu_elsewhere = 0.0

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        reported = [t for t in history if t.fidelity in (self._tasks or (1.0,))]
        notes = [t.note[CARRIED] for t in history if CARRIED in t.note]
        request = {
            "parameters": self._parameters,
            "tasks": list(self._tasks.values()),
            "observations": [self._observation(t) for t in reported if t.status != "running"],
            "running": [self._observation(t) for t in reported if t.status == "running"],
            CARRIED: notes[-1] if notes else None,
            "seed": int(rng.integers(2**32)),
        }
        answer = self._library.ask(request)
        self.cpu_elsewhere += answer.get("cpu", 0.0)
        if "error" in answer:
            raise WorkerError(f"SigOpt could not suggest: {answer['error']}")
        try:
            values, task, fitted = (answer[key] for key in ("assignments", "task", CARRIED))
            config = {name: _decode(p, values[name]) for name, p in self.space.parameters.items()}
        except (KeyError, TypeError, ValueError) as error:
            raise WorkerError(f"unexpected answer from SigOpt: {str(answer)[:80]}...") from error
        fidelity = 1.0 if task is None else float(task)
        return Suggestion(config, fidelity, {} if fitted is None else {CARRIED: fitted})

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        return None if history.best_at_target is None else history.best_at_target.config

    def _observation(self, trial: Trial) -> dict[str, Any]:
        parameters = self.space.parameters.items()
        return {
            "assignments": {name: _encode(p, trial.config[name]) for name, p in parameters},
            "task": self._tasks.get(trial.fidelity),
            "loss": float(trial.loss) if trial.status == "ok" else None,
        }


def _check_versions(greeting: Mapping[str, Any]) -> None:
    """Raise ``WorkerError`` unless the packages of the worker have the pinned versions."""
    pins = [line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    pinned = dict(pins)
    for name, version in greeting.get("ready", {"sigoptlite": None}).items():
        if version != pinned[name]:
            raise WorkerError(f"found {name} {version}, need {pinned[name]}")


def _sigopt_parameter(name: str, parameter: Any) -> dict[str, Any]:
    """Return the definition of a hyperparameter in SigOpt's format.

    Raises:
        ValueError: if SigOpt does not support it.
    """
    match parameter:
        case Float(low, high, log):
            kind, bounds = "double", (low, high)
            shape = {"transformation": "log"} if log else {}
        case Integer(low, high):
            kind, bounds, shape = "int", (low, high), {}
        case PowerOfTwo():
            kind, bounds, shape = "int", (_exponent(parameter.low), _exponent(parameter.high)), {}
        case Categorical(choices):
            values = [str(index) for index in range(len(choices))]
            if len(values) > 1:
                return {"name": name, "type": "categorical", "categorical_values": values}
            bounds = (0, 0)
        case _:
            raise ValueError(f"{name}: SigOpt does not support {type(parameter).__name__}")
    if not bounds[0] < bounds[1]:
        raise ValueError(f"{name}: SigOpt needs at least two values")
    return {"name": name, "type": kind, "bounds": {"min": bounds[0], "max": bounds[1]}, **shape}


def _encode(parameter: Any, value: Any) -> Any:
    """Return a value in SigOpt's format: exponents of powers of two, and indices of choices."""
    match parameter:
        case PowerOfTwo():
            return _exponent(int(value))
        case Categorical(choices):
            return str(choices.index(value))
        case Integer():
            return int(value)
    return float(value)


def _decode(parameter: Any, value: Any) -> Any:
    """Return the value of SigOpt's suggestion; clipped, as rounding may exceed the bounds."""
    match parameter:
        case PowerOfTwo():
            return 2 ** int(value)
        case Categorical(choices):
            return choices[int(value)]
        case Integer():
            return int(value)
    return min(max(float(value), parameter.low), parameter.high)


def _exponent(power: int) -> int:
    return power.bit_length() - 1
