"""The command ``untunable``: one word for each of the suite's programs.

Each program is imported when it is asked for, so that ``untunable --help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

HELP = """\
When one training run is expensive: which tuning method, and what does it buy?

usage: untunable COMMAND [KEY=VALUE ...]

  run          run methods on tasks                  untunable run method=fabolas task=svm_mnist
  list         methods, tasks, experiments, studies  untunable list methods
  report       figures and tables of a study         untunable report study=svm_paper
  summary      a table per task of a study           untunable summary study=default
  claims       the talk's claims, judged              untunable claims
  ask          the next config of your own training  untunable ask mine method=fabolas task=declared
  tell         its result                            untunable tell mine --trial 0 --loss .31
  record       record a live task into a table       untunable record task=svm_mnist --status
  figure_data  what figures need besides runs        untunable figure_data study=cars_talk

`untunable COMMAND --help` says more. `python -m benchmarks.run`, `benchmarks.record`,
`benchmarks.figure_data`, `analysis.report`, `analysis.summary` and `analysis.claims` are the same
programs.
"""
LIST_HELP = """\
List what can be chosen, one a line.

usage: untunable list [methods | tasks | budgets | experiments | studies ...]

Without a word it lists all of them. Studies are those with runs in results/runs or an archive in
results; the others are files in conf.

examples:
  untunable list methods
  untunable list experiments studies
"""


def _run(arguments: Sequence[str]) -> int:
    from analysis.options import asks_for_help
    from benchmarks.help_text import run_help

    if asks_for_help(arguments):  # before Hydra is imported, which is slow
        print(run_help(), end="")
        return 0
    from benchmarks import run

    sys.argv = ["untunable run", *arguments]  # Hydra reads it
    return run.main()


def _list(arguments: Sequence[str]) -> int:
    from analysis.options import asks_for_help, nearest, refuse
    from benchmarks.help_text import GROUPS, LISTED, PLURALS, listing

    if asks_for_help(arguments):
        print(LIST_HELP, end="")
        return 0
    groups = [PLURALS.get(word, word) for word in arguments]
    for word, group in zip(arguments, groups, strict=True):
        if group not in PLURALS.values():
            hint = nearest(word, LISTED)
            return refuse(ValueError(f"no list of {word}{hint} (allowed: {', '.join(LISTED)})"))
    print(listing(groups or [*GROUPS, "study"]))
    return 0


def _report(arguments: Sequence[str]) -> int:
    from analysis import report

    return report.main(arguments)


def _ask(arguments: Sequence[str]) -> int:
    from benchmarks import ask_tell

    return ask_tell.ask(arguments)


def _tell(arguments: Sequence[str]) -> int:
    from benchmarks import ask_tell

    return ask_tell.tell(arguments)


def _claims(arguments: Sequence[str]) -> int:
    from analysis.claims import __main__ as claims

    return claims.main(arguments)


def _summary(arguments: Sequence[str]) -> int:
    from analysis import summary

    return summary.main(arguments)


def _record(arguments: Sequence[str]) -> int:
    from analysis.options import asks_for_help
    from benchmarks.help_text import record_help

    if asks_for_help(arguments):
        print(record_help(), end="")
        return 0
    from benchmarks import record

    return record.main(arguments)


def _figure_data(arguments: Sequence[str]) -> int:
    from benchmarks import figure_data

    return figure_data.main(arguments)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "list": _list,
    "report": _report,
    "summary": _summary,
    "claims": _claims,
    "ask": _ask,
    "tell": _tell,
    "record": _record,
    "figure_data": _figure_data,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (2 for a mistake in the command line)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    if not words or words[0] in ("-h", "--help"):
        print(HELP, end="")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        from analysis.options import nearest, refuse

        hint = nearest(name, COMMANDS)
        return refuse(ValueError(f"no command {name}{hint} (allowed: {', '.join(COMMANDS)})"))
    if "" not in sys.path:  # as with python -m: classes in the folder of the user can be named
        sys.path.insert(0, "")
    return COMMANDS[name](rest)


if __name__ == "__main__":
    sys.exit(main())
