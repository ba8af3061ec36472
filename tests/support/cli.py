"""Runs the command line as a user does: in a process and a folder of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SUPPORT = Path(__file__).resolve().parent
_PATH = os.pathsep.join([str(SUPPORT.parents[1]), str(SUPPORT.parent)])
ENVIRONMENT = {**os.environ, "PYTHONPATH": _PATH}
OWN = [f"hydra.searchpath=[file://{SUPPORT / 'conf'}]", "allow=[support]"]


def with_path(folders: Sequence[Path]) -> dict[str, str]:
    """The environment of a command, with further folders of modules."""
    path = os.pathsep.join([*map(str, folders), ENVIRONMENT["PYTHONPATH"]])
    return {**ENVIRONMENT, "PYTHONPATH": path}


def command(*arguments: str, module: str = "benchmarks.run", conf: Path | None = None) -> list[str]:
    """The command line; tests' own tasks and methods can be named, and those of ``conf``."""
    own = OWN if module == "benchmarks.run" else []
    if conf is not None:
        own = [f"hydra.searchpath=[file://{SUPPORT / 'conf'},file://{conf}]"]
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


def invoke(
    folder: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch, conf: str = ""
) -> tuple[int, str, str]:
    """Run ``benchmarks.run`` in this process; return its exit code, output and errors.

    ``conf`` is a further folder of YAMLs.
    """
    from benchmarks import run

    paths = [f"file://{SUPPORT / 'conf'}", *([f"file://{conf}"] if conf else [])]
    words = [a for a in arguments if not a.startswith("hydra.searchpath")]
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["run", f"hydra.searchpath=[{','.join(paths)}]", *words])
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = run.main()
        except SystemExit as error:  # of the parser of Hydra's flags
            code = int(error.code or 0)
    return code, out.getvalue(), err.getvalue()
