"""The help of ``run`` and ``record``, and the choices that ``list`` prints, one a line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

CONF = Path(__file__).resolve().parents[1] / "conf"
GROUPS = ("method", "task", "budget", "experiment")
PLURALS = {f"{group}s": group for group in GROUPS} | {"study": "study", "studies": "study"}
LISTED = ("methods", "tasks", "budgets", "experiments", "studies")
"""what ``list`` can show, as its help names it"""

RUN = """\
Run tuning methods on tasks and keep a trace of every trial.

usage: untunable run [-m] method=NAME task=NAME [KEY=VALUE ...]
       untunable run experiment=NAME [KEY=VALUE ...]
       python -m benchmarks.run ...   (the same)

examples:
  untunable run method=fabolas task=svm_mnist
  untunable run -m method=random,fabolas task=svm_mnist 'seed=range(5)' summary=true
  untunable run experiment=svm_paper_quick
  untunable run method=hyperband task=cars_head budget.trainings=5

flags:
  -m, --multirun   sweep: one run for each combination of values; may stand anywhere
  -h, --help       this page
  --cfg job        print the settings that a command gives, and run nothing
  --info searchpath, --resolve, ...   of Hydra

An experiment is a plan in conf/experiment; its runs form the study of the same name, which
`untunable report study=NAME` turns into figures and tables.

settings (KEY=VALUE, and group.KEY=VALUE below a group) with their defaults:
"""
RECORD = """\
Record evaluations of a task that trains for real, so that they can be replayed. What to evaluate
is in conf/design/TASK.yaml. A recorder can be killed: the same command continues.

usage: untunable record task=NAME [KEY=VALUE ...] [FLAG]
       python -m benchmarks.record ...   (the same)

examples:
  untunable record task=svm_mnist
  untunable record task=svm_mnist --status
  untunable record task=svm_mnist --compact
  untunable record task=svm_mnist alone=12

flags:
  --status         print how many evaluations are left and how long they take, and exit
  --pause          hold a running recorder
  --resume         let it go on
  --compact        write the table that is replayed, and its card
  --card           write the card of the table anew, and no column of the table
  -h, --help       this page

settings (KEY=VALUE, and task.KEY=VALUE for an option of the task) with their defaults:
  task: svm_mnist         # what to record: `untunable list tasks`
"""


def first_sentence(path: Path) -> str:
    """Return the first sentence of the comment that a YAML begins with; empty without one."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.lstrip("# "))
    text = " ".join(lines)
    ended = re.match(r"(.+?\.)(?= [A-Z`]|$)", text)
    return (ended.group(1) if ended else text).rstrip(".:")


def choices(group: str) -> dict[str, str]:
    """Return the names of a group of ``conf`` and the first sentence of each."""
    return {path.stem: first_sentence(path) for path in sorted((CONF / group).glob("*.yaml"))}


def listing(groups: Sequence[str] = GROUPS) -> str:
    """Return all choices, one a line, group by group.

    On a terminal, lines are cut at its width.

    Args:
        groups: some of ``GROUPS``, or ``study``.
    """
    columns = shutil.get_terminal_size((0, 0)).columns  # 0: not a terminal
    blocks = []
    for group in groups:
        found = _studies() if group == "study" else choices(group)
        width = max(map(len, found), default=0)
        lines = [f"  {name:{width}}  {sentence}" for name, sentence in found.items()]
        if columns > width + 20:
            lines = [_cut(line, columns) for line in lines]
        blocks.append("\n".join([f"{group}=NAME", *(lines or ["  none here"])]))
    return "\n\n".join(blocks)


def _cut(line: str, columns: int) -> str:
    return line if len(line) <= columns else line[: columns - 4].rstrip(" ,;:") + " ..."


def _studies() -> dict[str, str]:
    from analysis.data.study_names import describe, study_names

    return {name: describe(name) for name in study_names()}


def settings(name: str = "config") -> str:
    """Return the keys of ``conf/<name>.yaml`` with their comments, as the file has them."""
    lines = (CONF / f"{name}.yaml").read_text().splitlines()
    start = 1 + max(number for number, line in enumerate(lines) if line.startswith("  - "))
    end = next((n for n, line in enumerate(lines) if line.startswith("hydra:")), len(lines))
    return "\n".join(f"  {line}" for line in lines[start:end] if line)


def run_help() -> str:
    """Return the help of ``untunable run``."""
    return f"{RUN}{settings()}\n\n{listing()}\n"


def record_help() -> str:
    """Return the help of ``untunable record``."""
    return f"{RECORD}{settings('record')}\n"
