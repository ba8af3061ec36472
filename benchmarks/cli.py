"""The command ``untunable``: one word for each of the suite's programs.

Each program is imported when it is asked for, so that ``untunable --help`` answers at once.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence

HELP = """\
When one training run is expensive: which tuning method, and what does it buy?

usage: untunable COMMAND [KEY=VALUE ...]

  run       run methods on tasks                untunable run method=fabolas task=svm_mnist
  list      methods, tasks, budgets, studies    untunable list task
  report    figures and tables of a study       untunable report experiment=svm_paper
  summary   a table of the runs in a folder     untunable summary results/runs/default
  record    record a live task into a table     untunable record task=svm_mnist --status
  figures   data that figures need besides      untunable figures experiment=cars_talk

`untunable COMMAND --help` says more. `python -m benchmarks.run` and so on are the same programs.
"""


def _run(arguments: Sequence[str]) -> int:
    from benchmarks import run

    sys.argv = ["untunable run", *arguments]  # Hydra reads it
    return run.main()


def _list(arguments: Sequence[str]) -> int:
    from benchmarks.help_text import GROUPS, listing

    unknown = [word for word in arguments if word not in GROUPS]
    if unknown:
        print(f"error: no group {unknown[0]}: allowed are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    print(listing(tuple(arguments) or GROUPS))
    return 0


def _report(arguments: Sequence[str]) -> int:
    from analysis import report

    return report.main(arguments)


def _summary(arguments: Sequence[str]) -> int:
    from analysis import summary

    return summary.main(arguments)


def _record(arguments: Sequence[str]) -> int:
    from benchmarks import record

    return record.main(arguments)


def _figures(arguments: Sequence[str]) -> int:
    from benchmarks import figure_data

    return figure_data.main(arguments)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "list": _list,
    "report": _report,
    "summary": _summary,
    "record": _record,
    "figures": _figures,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (2 for a mistake in the command line)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        print(f"error: no command {name}: allowed are {', '.join(COMMANDS)}{hint}", file=sys.stderr)
        return 2
    return COMMANDS[name](rest)


if __name__ == "__main__":
    sys.exit(main())
