"""The commands ``untunable ask`` and ``tell``: tune a training that you start yourself."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.data.study_names import RESULTS
from benchmarks.compose import compose
from benchmarks.runner.ask_tell import AskTell
from benchmarks.runner.run_folder import path_of
from benchmarks.settings import ConfigError, parse_run

USAGE_ERROR = 2
ASK_HELP = """\
Print the next evaluation of a run as JSON, and record it as running.

usage: untunable ask RUN [KEY=VALUE ...]

RUN is a name, or the folder of a run. The first call makes the run: it names method and task as
`untunable run` does. Later calls need RUN alone. {"trial": null} means: wait until a running trial
has been told. Ask as often as you have machines.

examples:
  untunable ask mine method=fabolas task=declared \\
      'task.space={lr:{kind:float,low:1e-4,high:1,log:true}}'
  untunable ask mine
"""


def run_of(name: str) -> Path:
    """Return the folder of the run that a name or a path stands for.

    Raises:
        ConfigError: there is none, or there are several.
    """
    if Path(name).joinpath("config.yaml").is_file():
        return Path(name)
    found = sorted(path.parent for path in (RESULTS / "runs" / name).glob("*/*/seed-*/config.yaml"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(
            f"{name}: no such run; to begin one, name its method and task: "
            f"untunable ask {name} method=fabolas task=..."
        )
    listed = ", ".join(map(str, found[:3])) + (" ..." if len(found) > 3 else "")
    raise ConfigError(f"{name}: there are {len(found)} runs, name a folder: {listed}")


def ask(arguments: Sequence[str]) -> int:
    """Run ``untunable ask`` and return its exit code: 0, or 2 for a mistake."""
    if not arguments or {"-h", "--help"} & set(arguments):
        print(ASK_HELP, end="")
        return 0 if arguments else USAGE_ERROR
    name, *overrides = arguments
    try:
        if overrides:
            plain = compose("config", [*overrides, f"study={name}"])
            settings = parse_run(plain)
            run = AskTell(path_of(settings, overrides), settings)
        else:
            run = AskTell(run_of(name))
        asked = run.ask()
    except (ConfigError, ValueError, OSError) as error:
        return _refuse(error)
    print(json.dumps({"trial": None} if asked is None else asked))
    return 0


def tell(arguments: Sequence[str]) -> int:
    """Run ``untunable tell`` and return its exit code: 0, or 2 for a mistake."""
    parser = argparse.ArgumentParser(
        "untunable tell", description="Record the result of a trial that was asked for."
    )
    parser.add_argument("run", metavar="RUN", help="name or folder of the run")
    parser.add_argument("--trial", type=int, required=True, help="number that ask printed")
    parser.add_argument("--loss", type=float, help="what the training returned")
    parser.add_argument("--cost", type=float, help="seconds to charge; default: wall time")
    parser.add_argument("--test-loss", type=float, help="no method sees it")
    parser.add_argument("--status", default="ok", help="ok, failed, timeout or diverged")
    options = parser.parse_args(arguments)
    try:
        if options.status == "ok" and options.loss is None:
            raise ConfigError("--loss is missing (or say --status failed)")
        loss = float("nan") if options.loss is None else options.loss
        row = AskTell(run_of(options.run)).tell(
            options.trial, loss, options.cost, options.status, options.test_loss
        )
    except (ConfigError, ValueError, OSError) as error:
        return _refuse(error)
    print(json.dumps({"trial": row["trial"], "recommended": row["recommended"]}))
    return 0


def _refuse(error: Exception) -> int:
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return USAGE_ERROR
