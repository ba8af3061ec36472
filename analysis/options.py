"""The command line of report, summary and figure data: options ``KEY=VALUE``, and ``--help``.

``benchmarks.run`` and ``benchmarks.record`` look the same to a user, but Hydra parses them. This
module imports the standard library only, so that ``--help`` and mistakes are answered at once.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

HELP_FLAGS = ("-h", "--help")
USAGE_ERROR = 2
"""exit code for a mistake in the command line"""


@dataclass(frozen=True)
class Option:
    """An option of a command."""

    key: str
    placeholder: str
    """what stands for its value in the help, such as ``NAME``"""
    meaning: str
    """one line for the help"""
    default: str = ""
    """the default as the help says it; empty for an option without one"""

    @property
    def usage(self) -> str:
        """The option as it is typed, such as ``study=NAME``."""
        return f"{self.key}={self.placeholder}"


STUDY = (
    Option("study", "NAME", "name of the study: its runs are in results/runs/NAME"),
    Option("experiment", "NAME", "the same as study=NAME: its runs form the study of its name"),
)
"""the two ways to name a study; ``analysis.data.study_names.study_of`` reads them"""
BUDGET = Option(
    "budget", "NUMBER", "cut runs at the cost of so many full trainings",
    "the smallest budget of a task's runs",
)  # fmt: skip
"""where runs are cut; ``analysis.data.budgets`` does it"""


@dataclass(frozen=True)
class Command:
    """A command with options ``KEY=VALUE``."""

    name: str
    """word after ``untunable``"""
    module: str
    """module after ``python -m``"""
    purpose: str
    """what the command does, in a sentence or two"""
    usage: str
    """its arguments in the shortest form"""
    options: Sequence[Option]
    examples: Sequence[str]
    """arguments of useful calls"""
    bare: str | None = None
    """key of the option that a word without ``KEY=`` gives a value to; None: not allowed"""

    def help(self) -> str:
        """Return the text of ``--help``."""
        width = max(len(option.usage) for option in self.options)
        lines = [
            self.purpose,
            "",
            f"usage: untunable {self.name} {self.usage}",
            f"       python -m {self.module} ...   (the same)",
            "",
            "options:",
        ]
        for option in self.options:
            default = f" (default: {option.default})" if option.default else ""
            lines.append(f"  {option.usage:{width}}  {option.meaning}{default}")
        lines += [f"  {', '.join(HELP_FLAGS):{width}}  this page", "", "examples:"]
        lines += [f"  untunable {self.name} {example}" for example in self.examples]
        return "\n".join(lines) + "\n"

    def parse(self, arguments: Sequence[str]) -> dict[str, str]:
        """Return the values of the options by their keys.

        ``--KEY VALUE`` and ``--KEY=VALUE`` are accepted as ``KEY=VALUE``.

        Raises:
            ValueError: a key is unknown, repeated or has no value; the message is one line.
        """
        values: dict[str, str] = {}
        words = iter(arguments)
        for word in words:
            key, equals, value = word.removeprefix("--").partition("=")
            if self.bare and not word.startswith("-") and (not equals or "/" in key):
                key, value = self.bare, word  # the name of a folder may contain "="
            elif not equals and word.startswith("--") and self._has(key):
                value = next(words, "")
            if not self._has(key):
                raise ValueError(self._unknown(word, key))
            if not value:
                raise ValueError(f"{key} needs a value: {self._option(key).usage}")
            if key in values:
                raise ValueError(f"{key} is given twice: {values[key]} and {value}")
            values[key] = value
        return values

    def _has(self, key: str) -> bool:
        return any(option.key == key for option in self.options)

    def _option(self, key: str) -> Option:
        return next(option for option in self.options if option.key == key)

    def _unknown(self, word: str, key: str) -> str:
        keys = [option.key for option in self.options]
        what = f"unknown key {key}" if "=" in word else f"unknown argument {word}"
        return f"{what}{nearest(key, keys)} (allowed: {', '.join(keys)})"


def asks_for_help(arguments: Iterable[str]) -> bool:
    """Return True if ``-h`` or ``--help`` is among the arguments."""
    return any(argument in HELP_FLAGS for argument in arguments)


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return a hint such as ``"; did you mean 'study'?"``, or ``""`` without a close match."""
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def refuse(error: Exception) -> int:
    """Print an error as one line on stderr and return the exit code of a user's mistake."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return USAGE_ERROR


def budget_of(values: Mapping[str, str]) -> float | None:
    """Return the value of the option ``BUDGET``; None if it is not given.

    Raises:
        ValueError: the value is not a number above 0; the message is one line.
    """
    return positive(values, BUDGET.key, 0.0) if BUDGET.key in values else None


def positive(values: Mapping[str, str], key: str, default: float, whole: bool = False) -> float:
    """Return the value of an option as a finite number above 0.

    Args:
        values: values by key, as ``Command.parse`` returns them.
        key: key of the option.
        default: the value if the option is not given.
        whole: accept whole numbers only.

    Raises:
        ValueError: the value is not such a number; the message is one line.
    """
    text = values.get(key, str(default))
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        allowed = "a whole number, 1 or more" if whole else "a number above 0"
        raise ValueError(f"{key}={text}: must be {allowed}")
    return number
