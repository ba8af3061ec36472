"""The text of ``--help`` and ``list``: groups of ``conf``, with the first sentence of each YAML."""

from __future__ import annotations

import re
from pathlib import Path

CONF = Path(__file__).resolve().parents[1] / "conf"
GROUPS = ("method", "task", "budget", "experiment")

RUN = """\
Run tuning methods on tasks and keep a trace of every trial.

usage: untunable run [-m] method=NAME task=NAME [KEY=VALUE ...]
       python -m benchmarks.run ...   (the same)

examples:
  untunable run method=fabolas task=svm_mnist
  untunable run -m method=random,fabolas task=svm_mnist 'seed=range(5)' summary=true
  untunable run experiment=svm_paper_quick
  untunable run method=hyperband task=cars_head budget.target_evaluations=5 budget.trials=null

flags:
  -m, --multirun   sweep: one run for each combination of values; also in any other place
  -h, --help       this page
  --cfg job        print the settings that a command gives, and run nothing
  --info searchpath, --resolve, ...   of Hydra

settings (KEY=VALUE; group.KEY=VALUE below a group):
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
    ended = re.match(r"(.+?[.:])(?= [A-Z`]|$)", text)
    return (ended.group(1) if ended else text).rstrip(".:")


def choices(group: str) -> dict[str, str]:
    """Return the names of a group of ``conf`` and the first sentence of each."""
    return {path.stem: first_sentence(path) for path in sorted((CONF / group).glob("*.yaml"))}


def listing(groups: tuple[str, ...] = GROUPS) -> str:
    """Return all choices, one a line, group by group."""
    blocks = []
    for group in groups:
        found = choices(group)
        width = max(map(len, found))
        lines = [f"  {name:{width}}  {sentence}" for name, sentence in found.items()]
        blocks.append("\n".join([f"{group}=", *lines]))
    return "\n\n".join(blocks)


def settings() -> str:
    """Return the keys of ``conf/config.yaml`` with their comments, as the file has them."""
    lines = (CONF / "config.yaml").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("seed:"))
    last = next(number for number, line in enumerate(lines) if line.startswith("hydra:"))
    return "\n".join(f"  {line}" for line in lines[first:last] if line)


def run_help() -> str:
    """Return the help of ``untunable run``."""
    return f"{RUN}{settings()}\n\n{listing()}\n"
