"""Judge the claims of the talk by the archived studies: ``python -m analysis.claims``.

It writes ``results/claims.csv`` and the same as a page, ``results/claims.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.data.study_names import RESULTS
from analysis.options import Command, Option, asks_for_help, refuse

COMMAND = Command(
    name="claims",
    module="analysis.claims",
    purpose="Judge the claims of the talk by the archived studies.",
    usage="[out=FOLDER] [readme=FILE]",
    options=(
        Option("out", "FOLDER", "write to this folder", str(RESULTS)),
        Option("readme", "FILE", "also write the results that this page quotes anew"),
    ),
    examples=("", "readme=README.md"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a mistake."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if asks_for_help(words):
        print(COMMAND.help(), end="")
        return 0
    try:
        values = COMMAND.parse(words)
        folder = Path(values.get("out", RESULTS))
        readme = Path(values["readme"]) if "readme" in values else None
        from analysis.claims.judge import verdicts  # pandas is slow to import
        from analysis.claims.page import write

        for path in write(verdicts(), folder):
            print(f"written: {path}")
        if readme is not None:
            from analysis.claims.readme import rewritten

            readme.write_text(rewritten(readme.read_text(), folder))
            print(f"written: {readme}")
    except (ValueError, OSError) as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
