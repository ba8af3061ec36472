"""Run a tuning method on a task: ``python -m benchmarks.run method=fabolas task=svm_mnist``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from benchmarks.compose import HYDRA_ERRORS, NO_NAME, friendly
from benchmarks.help_text import run_help
from benchmarks.runner.execute import run
from benchmarks.runner.run_folder import path_of
from benchmarks.settings import ConfigError, RunSettings, parse_run

USAGE_ERROR, RUN_FAILED, INTERRUPTED = 2, 1, 130
# Hydra's launchers may run a sweep in other processes, or on other machines that share the results.
OUTCOMES, ALLOWED = "UNTUNABLE_OUTCOMES", "UNTUNABLE_ALLOWED"
COMMAND_ALLOWED = "UNTUNABLE_ALLOW_COMMAND"
COMMANDS = ("tasks.Command", "tasks.command.")
RESULTS = "results/runs"


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def _job(config: DictConfig) -> None:
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    outcome: dict[str, Any] = {"study": None, "number": _number()}
    try:
        settings = parse_run({str(key): value for key, value in plain.items()})
        _check_allowed(settings.allow)
        _check_command(settings)
        if settings.summary:
            outcome["study"] = str(Path(settings.results) / settings.study)
        path = path_of(settings, list(HydraConfig.get().overrides.task))
        outcome |= {"status": run(settings, path), "message": str(path)}
    except ConfigError as error:  # passed on here, as Hydra would print more than one line
        outcome |= {"status": "refused", "message": str(error)}
    _tell(outcome)


def _tell(outcome: dict[str, Any]) -> None:
    """Write the outcome of a job where ``main`` reads it."""
    shared, here = map(Path, json.loads(os.environ[OUTCOMES]))
    line = json.dumps(outcome) + "\n"
    try:
        shared.parent.mkdir(parents=True, exist_ok=True)
        with shared.open("a") as lines:
            lines.write(line)
    except OSError:  # the disk of the results is full
        with here.open("a") as lines:
            lines.write(line)


def _number() -> int:
    """Return the number of this job in its sweep; 0 for a single run."""
    hydra_config: Any = HydraConfig.get()
    number = OmegaConf.select(hydra_config, "job.num", default=None)
    return 0 if number is None else int(number)


def _check_allowed(allow: Sequence[str]) -> None:
    """Refuse packages that a YAML allows: only who types the command decides what may run.

    Raises:
        ConfigError: ``allow`` has a package that the command line does not name.
    """
    typed = json.loads(os.environ[ALLOWED])
    for package in allow:
        if package not in typed:
            raise ConfigError(f"allow=[{package}] counts only on the command line, not in a YAML")


def _check_command(settings: RunSettings) -> None:
    """Refuse a command of a YAML that the user has not typed, nor allowed after seeing it.

    Raises:
        ConfigError: the task runs a command; the message prints it.
    """
    command = settings.task.options.get("command")
    if not settings.task.target.startswith(COMMANDS) or os.environ[COMMAND_ALLOWED]:
        return
    raise ConfigError(
        f"task={settings.task.name} runs a command: {command} (if you want that, add "
        "allow_command=true)"
    )


def _allows_command(arguments: Sequence[str]) -> bool:
    """Return whether the command line allows a command, or is where it is typed."""
    words = [argument.lstrip("+") for argument in arguments]
    return any(w == "allow_command=true" or w.startswith("task.command=") for w in words)


def _typed_packages(arguments: Sequence[str]) -> list[str]:
    """Return the packages that the command line allows."""
    words = [a.lstrip("+") for a in arguments if a.lstrip("+").startswith("allow=")]
    try:
        values = [o.value() for o in OverridesParser.create().parse_overrides(words)]
    except (HydraException, ValueError):
        return []  # Hydra refuses the same words with a message of its own
    return [str(package) for value in values if isinstance(value, list) for package in value]


def _guarded(job: Callable[[], Any]) -> int:
    """Run the Hydra app and return the exit code; print a user's mistake as one line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing a traceback
    try:
        job()
    except HYDRA_ERRORS as error:
        if type(error) is ValueError and NO_NAME not in str(error):
            raise  # not a mistake of the user
        print(f"error: {friendly(error, sys.argv[1:])}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted: run the same command again to resume", file=sys.stderr)
        return INTERRUPTED
    return 0


def _flags_first(arguments: Sequence[str]) -> list[str]:
    """Put ``-m`` first: Hydra's parser does not find it between settings."""
    multirun = [argument for argument in arguments if argument in ("-m", "--multirun")]
    return [*multirun[:1], *(argument for argument in arguments if argument not in multirun)]


def _collected(file: Path) -> list[dict[str, Any]]:
    """Read the outcomes of all jobs, and remove their file."""
    if not file.exists():
        return []
    lines = file.read_text().splitlines(keepends=True)
    ended = [json.loads(line) for line in lines if line.endswith("\n")]
    file.unlink()
    if file.parent.name == ".outcomes":
        for folder in list(file.parents)[:3]:  # results/runs/.outcomes, unless there are runs
            try:
                folder.rmdir()
            except OSError:
                break
    return ended


def _summarise(study: str) -> None:
    from analysis.data.load import load_runs
    from analysis.summary import print_summary

    unreadable: list[str] = []
    try:
        print_summary(load_runs(Path(study), unreadable), unreadable)
    except ValueError as error:
        print(f"no summary: {error}", file=sys.stderr)


def main() -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 1 (a run failed), 2 (a mistake in the command) or 130 (Ctrl-C).
    """
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(run_help(), end="")
        return 0
    sys.argv = [sys.argv[0], *_flags_first(sys.argv[1:])]
    typed = [a.partition("=")[2] for a in sys.argv if a.startswith("results=")]
    folder = Path((typed or [RESULTS])[-1]).absolute() / ".outcomes"
    outcomes = folder / f"{os.getpid()}-{time.time_ns()}.jsonl"
    here = Path(tempfile.gettempdir()) / f"untunable-{outcomes.name}"
    os.environ[OUTCOMES] = json.dumps([str(outcomes), str(here)])
    os.environ[ALLOWED] = json.dumps(_typed_packages(sys.argv[1:]))
    os.environ[COMMAND_ALLOWED] = "yes" if _allows_command(sys.argv[1:]) else ""
    code = _guarded(_job)
    ended = [*_collected(outcomes), *_collected(here)]
    refused = dict.fromkeys(o["message"] for o in ended if o["status"] == "refused")
    for message in refused:
        print(f"error: {message}", file=sys.stderr)
        code = USAGE_ERROR
    if not refused:
        for study in dict.fromkeys(o["study"] for o in ended if o["study"] is not None):
            _summarise(study)
    failed = [o["message"] for o in ended if o["status"] == "failed"]
    jobs = max((o["number"] for o in ended), default=-1) + 1
    missing = jobs - len({o["number"] for o in ended})
    if failed:
        print(f"{len(failed)} of {len(ended)} runs failed:", *failed, sep="\n  ", file=sys.stderr)
    silent = missing > 0 or (not ended and code == 0 and not _prints_only(sys.argv[1:]))
    if silent:
        what = f"{missing} of {jobs} jobs" if missing else "the jobs"
        print(f"failed: {what} of the launcher did not say how they ended", file=sys.stderr)
    return code or (RUN_FAILED if failed or silent else 0)


def _prints_only(arguments: Sequence[str]) -> bool:
    """Return True if Hydra runs no job: ``--cfg job`` and the like."""
    return any(argument.startswith(("--cfg", "-c", "--info", "-i")) for argument in arguments)


if __name__ == "__main__":
    sys.exit(main())
