"""A task whose trainings are a command: any script, in any language, that prints its loss."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shlex
import signal
import string
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core import watchdog
from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Space, nearest
from benchmarks.core.trial import Fidelities, Observation

OWN = ("native", "fidelity", "seed", "checkpoint")
"""placeholders besides the hyperparameters"""
LAST_BYTES = 1 << 16
"""how much of a log is searched for the result"""


class Command(Task):
    """Start a command for each evaluation and read its result.

    The last line of its standard output that is a JSON object holds ``loss``, and may hold
    ``test_loss``, ``cost`` (seconds; without it the wall time is charged) and ``curve``. An exit
    code other than 0 is a failed trial. The command is started without a shell: it is split into
    words as a shell would, then each placeholder in braces is replaced inside its word, so that a
    value is never more than one argument.

    Placeholders are the names of the hyperparameters and

    - ``{native}``: the fidelity in its unit, a whole number, such as epochs;
    - ``{fidelity}``: the same as a share of a full training;
    - ``{seed}``: a seed;
    - ``{checkpoint}``: a folder for this config and seed. With ``resumable`` a config that is
      trained further is started again with the same folder and must continue from it; it is charged
      what this takes.
    """

    isolated = True

    def __init__(
        self,
        command: str,
        space: Mapping[str, Mapping[str, Any]],
        fidelity: Mapping[str, Any] | None = None,
        resumable: bool = False,
        maximise: bool = False,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        checkpoints: str = "results/checkpoints",
        logs: str = "results/logs",
        time_limit: float = 86400.0,
        seeds: int = 10,
    ) -> None:
        """Check the command.

        Args:
            command: the command, with placeholders.
            space: hyperparameters, as ``Space.from_spec`` reads them.
            fidelity: ``full`` (a full training, in ``unit``), ``low`` or ``values`` (in the same
                unit) and ``unit``; None if every evaluation is a full training.
            resumable: the command continues a training from ``{checkpoint}``.
            maximise: ``loss`` is a value to maximise.
            environment: environment variables besides those of this process.
            folder: working directory of the command; None is that of this process.
            checkpoints: folder in which each config and seed gets one.
            logs: folder for the output of each evaluation.
            time_limit: seconds after which an evaluation is killed.
            seeds: each evaluation draws its seed from 0 .. seeds - 1.

        Raises:
            ValueError: an unknown placeholder, a space or fidelity that is not valid, a resumable
                command without ``{checkpoint}``.
        """
        self.space = Space.from_spec(space)
        self.fidelities = fidelities_of(fidelity or {}, resumable)
        self.maximise = maximise
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"task.command={command}: {error}") from error
        if not self._words:
            raise ValueError("task.command is empty")
        self._used = _check_placeholders(self._words, self.space)
        if resumable and "checkpoint" not in self._used:
            raise ValueError("task.resumable=true: the command needs {checkpoint} to continue from")
        if not seeds >= 1:
            raise ValueError(f"task.seeds={seeds}: must be 1 or more")
        self._command = command
        self._environment = dict(environment or {})
        self._folder = folder
        self._checkpoints, self._logs = Path(checkpoints), Path(logs)
        self._limit, self._seeds = float(time_limit), seeds

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"command": self._command}

    def limit_time(self, seconds: float) -> None:
        self._limit = min(self._limit, seconds)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        return self._run(config, fidelity, int(rng.integers(self._seeds)))

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        return self.evaluate(config, fidelity, rng)

    def evaluate_replicate(
        self, config: Config, fidelity: float, replicate_seed: int, pause: Any = None
    ) -> Observation:
        del pause
        return self._run(config, fidelity, replicate_seed)

    def _run(self, config: Config, fidelity: float, seed: int) -> Observation:
        key = hashlib.sha256(json.dumps([dict(config), seed], sort_keys=True).encode())
        name = key.hexdigest()[:16]
        values = dict(config) | {
            "native": self.fidelities.native(fidelity),
            "fidelity": fidelity,
            "seed": seed,
        }
        if "checkpoint" in self._used:
            folder = (self._checkpoints / name).resolve()
            folder.mkdir(parents=True, exist_ok=True)
            values["checkpoint"] = str(folder)
        words = [word.format_map(values) for word in self._words]
        log = self._logs / f"{name}-{self.fidelities.native(fidelity)}"
        log.parent.mkdir(parents=True, exist_ok=True)
        info: dict[str, Any] = {"seed": seed, "log": str(log)}
        started = time.monotonic()
        try:
            code = self._wait(words, log)
        except OSError as error:
            info["error"] = f"{words[0]}: {error.strerror or error}"
            return Observation(math.nan, time.monotonic() - started, "failed", None, info)
        seconds = time.monotonic() - started
        info["wall"] = seconds
        if code is None:
            info["error"] = f"no result within {self._limit:g} s"
            return Observation(math.nan, self._limit, "timeout", None, info)
        output, errors = (_end_of(log.with_suffix(kind)) for kind in (".out", ".err"))
        if code:
            last = errors.strip().splitlines()[-1:] or output.strip().splitlines()[-1:]
            info["error"] = f"exit code {code}" + "".join(f": {line}" for line in last)
            return Observation(math.nan, seconds, "failed", None, info)
        return _observation(output, seconds, info)

    def _wait(self, words: Sequence[str], log: Path) -> int | None:
        """Run a command in a process group of its own; return its exit code, None at the limit."""
        with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
            watchdog.watch(process.pid)
            try:
                return process.wait(self._limit)
            except subprocess.TimeoutExpired:
                return None
            finally:
                # children that it left behind, too; macOS denies it for zombies
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                watchdog.forget(process.pid)


def fidelities_of(spec: Mapping[str, Any], resumable: bool) -> Fidelities:
    """Build the fidelities from bounds or values in their unit.

    Raises:
        ValueError: an unknown key, both or none of ``low`` and ``values``, or bad numbers.
    """
    allowed = ("full", "low", "values", "unit")
    for key in spec:
        if key not in allowed:
            hint = nearest(str(key), allowed)
            raise ValueError(f"task.fidelity.{key}: allowed are {', '.join(allowed)}{hint}")
    if not spec:
        return Fidelities()
    full, unit = spec.get("full"), str(spec.get("unit", "units"))
    if not isinstance(full, int) or full < 1 or ("low" in spec) == ("values" in spec):
        raise ValueError(
            f"task.fidelity={dict(spec)}: must have full, a whole number, and either low or values"
        )
    given = [spec["low"]] if "low" in spec else spec["values"]
    numbers = isinstance(given, Sequence) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in given
    )
    if not numbers:
        raise ValueError(
            f"task.fidelity={dict(spec)}: low must be a number, values a list of numbers, in {unit}"
        )
    if "low" in spec:
        return Fidelities(low=spec["low"] / full, full=full, unit=unit, resumable=resumable)
    shares = tuple(value / full for value in spec["values"])
    return Fidelities(values=shares, full=full, unit=unit, resumable=resumable)


def _check_placeholders(words: Sequence[str], space: Space) -> set[str]:
    """Return the placeholders of a command.

    Raises:
        ValueError: one is not known, or the braces do not match.
    """
    known = (*space.names, *OWN)
    used = set()
    for word in words:
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(word)]
        except ValueError as error:
            raise ValueError(f"task.command: {word}: {error}") from error
        for field in fields:
            if field is None:
                continue
            if field not in known:
                hint = nearest(field, known)
                raise ValueError(
                    f"task.command: {{{field}}} is no placeholder{hint} (allowed: "
                    f"{', '.join(known)}; write {{{{ and }}}} for braces)"
                )
            used.add(field)
    clash = set(space.names) & set(OWN)
    if clash:
        raise ValueError(f"hyperparameters must not be called {', '.join(sorted(clash))}")
    return used


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LAST_BYTES))
        return file.read().decode(errors="replace")


def _observation(output: str, seconds: float, info: dict[str, Any]) -> Observation:
    """Return the observation that the last JSON object of an output holds."""
    result = next(filter(None, map(_parsed, reversed(output.splitlines()))), None)
    if result is None or "loss" not in result:
        info["error"] = "the command printed no line of JSON with a loss"
        return Observation(math.nan, seconds, "failed", None, info)
    if "curve" in result:
        info["curve"] = result["curve"]
    cost = result.get("cost", seconds)
    return Observation(result["loss"], cost, "ok", result.get("test_loss"), info)


def _parsed(line: str) -> dict[str, Any] | None:
    """Return a line as a JSON object; None if it is none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
