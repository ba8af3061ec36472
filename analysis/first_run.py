"""Keep the run that README shows: ``python -m analysis.first_run runs=FOLDER``.

The folder is that of one run. Its picture and the numbers of README's caption are written to
``results/first_run``; ``untunable claims readme=README.md`` then writes the caption.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.data.load import load_run
from analysis.data.study_names import RESULTS
from analysis.options import Command, Option, asks_for_help, refuse

COMMAND = Command(
    name="first_run",
    module="analysis.first_run",
    purpose="Keep the picture of one run, and the numbers of its caption, for README.",
    usage="runs=FOLDER",
    options=(Option("runs", "FOLDER", "folder of the run, with its regret.png"),),
    examples=("runs=results/runs/default/svm_mnist/fabolas/seed-0",),
)
FOLDER = RESULTS / "first_run"


def write_first_run(folder: Path, target: Path = FOLDER) -> list[Path]:
    """Write ``regret.png`` and ``facts.csv``; return their paths.

    Args:
        folder: folder of a finished run of a task that knows its true losses.
        target: the destination.

    Raises:
        ValueError: the files are not those of such a run.
    """
    run = load_run(folder)
    last, facts = run.rows[-1], run.meta["task_facts"]
    loss, test, best = last["recommended_loss"], last["recommended_test_loss"], facts["best_loss"]
    if loss is None or test is None or best is None:
        raise ValueError(f"{folder}: the true losses of its task are not known")
    row = {
        "seed": run.meta["seed"],
        "commit": str(run.meta["commit"])[:7],
        "machine": _name_of(str(run.meta["machine"]["cpu"])),
        "trials": len(run.rows),
        "minutes": f"{run.cost[-1] / 60:.1f}",
        "loss": f"{loss:.2%}",
        "test_loss": f"{test:.2%}",
        "best_loss": f"{best:.2%}",
    }
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "regret.png", target / "regret.png")
    with (target / "facts.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
    return [target / "regret.png", target / "facts.csv"]


def _name_of(cpu: str) -> str:
    """Return the name of a CPU without its family and stepping."""
    return cpu.removeprefix("model name ").partition(",")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a mistake."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if asks_for_help(words):
        print(COMMAND.help(), end="")
        return 0
    try:
        values = COMMAND.parse(words)
        if "runs" not in values:
            raise ValueError("runs=FOLDER is missing")
        for path in write_first_run(Path(values["runs"])):
            print(f"written: {path}")
    except (ValueError, OSError) as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
