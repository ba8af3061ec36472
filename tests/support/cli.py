"""Runs the command line as a user does: in a process and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).resolve().parent
_PATH = os.pathsep.join([str(SUPPORT.parents[1]), str(SUPPORT.parent)])
ENVIRONMENT = {**os.environ, "PYTHONPATH": _PATH}
OWN = [f"hydra.searchpath=[file://{SUPPORT / 'conf'}]", "allow=[support]"]


def command(*arguments: str, module: str = "benchmarks.run") -> list[str]:
    """The command line; tests' own tasks and methods can be named."""
    own = OWN if module == "benchmarks.run" else []
    # Hydra wants its flags before all overrides
    flags = [a for a in arguments if a.startswith("-")]
    overrides = [a for a in arguments if not a.startswith("-")]
    return [sys.executable, "-m", module, *flags, *own, *overrides]


def call(folder: Path, *arguments: str, module: str = "benchmarks.run") -> Any:
    """Run to the end; returns the completed process with its texts."""
    return subprocess.run(
        command(*arguments, module=module),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
