"""Read the true losses of random configs of a task, which ``benchmarks.figure_data`` wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.data.load import Array

FOLDER = Path("results/random_configs")
SUMMARY = "summary.csv"
IDENTITY = ["task", "replays", "surrogate"]
"""columns of the tidy table that name what a task replays"""


@dataclass(frozen=True)
class RandomConfigs:
    """True losses of random configs of a task, and what their trainings cost."""

    task: str
    table: str
    """SHA-256 of the table that was replayed; ``none`` for a formula"""
    surrogate: str
    """the model that interpolates between recorded configs; ``none`` without one"""
    configs: int
    """number of configs that were drawn"""
    best_loss: float
    """the zero of regret"""
    resolution: float
    """difference below which two losses cannot be told apart"""
    target_cost: float
    """median cost of a training at the target, over all configs, seconds"""
    good_cost: float
    """the same over the best tenth of configs: cost of a training of a good config"""
    untuned: str
    """name of the better one of the task's untuned configs; empty without one"""
    untuned_loss: float
    untuned_test_loss: float
    """its true losses; NaN where not known"""
    untuned_k: float
    """its random-search equivalent"""
    ranks: Array
    """ranks by loss (1 is the lowest) of some of the configs, rising, shape ``(k,)``"""
    losses: Array
    """their losses, rising, shape ``(k,)``"""


def with_good_cost(table: pd.DataFrame, folder: Path | None = None) -> pd.DataFrame:
    """Return a tidy table with the column ``good_cost``: cost of a training of a good config.

    Seconds; NaN where there are no random configs of the task that the runs evaluated, unless the
    runs say it themselves.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        folder: as in ``read_random_configs``.
    """
    stated = table.good_cost if "good_cost" in table else pd.Series(np.nan, table.index)
    found = pd.Series(np.nan, table.index)
    for (task, replays, surrogate), rows in table.groupby(IDENTITY, sort=False).groups.items():
        try:
            random = read_random_configs(str(task), str(replays), str(surrogate), folder)
        except ValueError:
            continue
        found[rows] = random.good_cost
    return table.assign(good_cost=stated.fillna(found))


def read_random_configs(
    task: str, table: str, surrogate: str, folder: Path | None = None
) -> RandomConfigs:
    """Read the random configs of a task.

    Args:
        task: its name.
        table: SHA-256 of the table that the runs replay, or ``none``.
        surrogate: the model that interpolates, or ``none``.
        folder: where they are; None for ``FOLDER``.

    Raises:
        ValueError: there are none for this task, they are of another table or surrogate, or the
            files are not valid. The message is one line.
    """
    folder = FOLDER if folder is None else folder
    write = "python -m benchmarks.figure_data study=NAME writes them"
    try:
        summary = pd.read_csv(folder / SUMMARY, dtype={"task": str, "table": str}, index_col="task")
        facts = summary.loc[task].to_dict()
        facts["untuned"] = "" if facts["untuned"] != facts["untuned"] else str(facts["untuned"])
        curve = pd.read_csv(folder / f"{task}.csv")
        ranks, losses = (curve[name].to_numpy(dtype=float) for name in ("rank", "loss"))
    except (FileNotFoundError, KeyError) as error:
        raise ValueError(f"no losses of random configs of {task} in {folder}; {write}") from error
    except (ValueError, OSError) as error:
        raise ValueError(f"{folder}: {' '.join(str(error).split())}") from error
    if (facts["table"], facts["surrogate"]) != (table, surrogate):
        raise ValueError(
            f"{folder}: the random configs of {task} are of another table or surrogate than the "
            f"runs; {write}"
        )
    return RandomConfigs(task=task, **facts, ranks=ranks, losses=losses)
