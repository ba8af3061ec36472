"""Runs the command line as a user does: in a process of its own, or in this one, which is faster.

A process is for what only a process shows: its exit code, its signals, its children, its imports.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.waiting import PATIENCE

SUPPORT = Path(__file__).resolve().parent
_PATH = os.pathsep.join([str(SUPPORT.parents[1]), str(SUPPORT.parent)])
ENVIRONMENT = {**os.environ, "PYTHONPATH": _PATH}
OWN = [f"hydra.searchpath=[file://{SUPPORT / 'conf'}]", "allow=[support]"]
Done = subprocess.CompletedProcess[str]
"""exit code, and what was written"""


def with_path(folders: Sequence[Path]) -> dict[str, str]:
    """The environment of a command, with further folders of modules."""
    path = os.pathsep.join([*map(str, folders), ENVIRONMENT["PYTHONPATH"]])
    return {**ENVIRONMENT, "PYTHONPATH": path}


def command(*arguments: str, module: str = "benchmarks.run", conf: Path | None = None) -> list[str]:
    """The command line; tests' own tasks and methods can be named, and those of ``conf``."""
    if module != "benchmarks.run":
        return [sys.executable, "-m", module, *arguments]
    own = OWN
    if conf is not None:
        own = [f"hydra.searchpath=[file://{SUPPORT / 'conf'},file://{conf}]"]
    # Hydra wants its flags before all overrides
    flags = [a for a in arguments if a.startswith("-")]
    overrides = [a for a in arguments if not a.startswith("-")]
    return [sys.executable, "-m", module, *flags, *own, *overrides]


def call(folder: Path, *arguments: str, module: str = "benchmarks.run") -> Done:
    """Run a program in a process and in ``folder``, to the end; fails if it hangs."""
    return subprocess.run(
        command(*arguments, module=module),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def call_here(
    folder: Path, *arguments: str, module: str = "benchmarks.run", conf: Path | None = None
) -> Done:
    """Run a program in this process and in ``folder``."""
    words = command(*arguments, module=module, conf=conf)[2:]
    program = importlib.import_module(module)
    output, errors = io.StringIO(), io.StringIO()
    with _restored(), contextlib.chdir(folder):
        sys.argv = words
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                code = program.main() if module == "benchmarks.run" else program.main(words[1:])
            except SystemExit as asked:  # of a parser of flags
                code = asked.code if isinstance(asked.code, int) else 2
    return Done(words, code, output.getvalue(), errors.getvalue())


@contextlib.contextmanager
def _restored() -> Iterator[None]:
    """Undo what a program does to its process, which otherwise ends with it."""
    argv, environment = sys.argv, dict(os.environ)
    try:
        yield
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)
