"""Find the configs that committed studies evaluated on the replay of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.core.space import Categorical, Space
from benchmarks.provenance import ROOT

RESULTS = ROOT / "results"


def configs_in_studies(
    table: str, space: Space, results: Path = RESULTS
) -> dict[str, list[dict[str, Any]]]:
    """Return the distinct configs that the archive of each study has for a table, by study.

    Args:
        table: name of the table.
        space: its search space; configs of other spaces are left out.
        results: folder of the archives, ``<study>/trials.csv.gz``.
    """
    from analysis.data.archive import read_archive  # pandas is slow to import

    found = {}
    for folder in sorted(path.parent for path in results.glob("*/trials.csv.gz")):
        trials, runs = read_archive(folder)
        tasks = {run.task for run in runs if run.version.get("task.table") == table}
        names = [f"config.{name}" for name in space.names]
        if not tasks or not set(names) <= set(trials.columns):
            continue
        rows = trials.loc[trials.task.isin(tasks), names].dropna().drop_duplicates()
        configs = [_config(space, values) for values in rows.itertuples(index=False)]
        inside = [config for config in configs if config is not None]
        if inside:
            found[folder.name] = inside
    return found


def _config(space: Space, values: Any) -> dict[str, Any] | None:
    """Return a config from the cells of a row; None if it is outside the space."""
    config: dict[str, Any] = {}
    for (name, parameter), value in zip(space.parameters.items(), values, strict=True):
        if isinstance(parameter, Categorical):  # a cell may hold a text
            same = [choice for choice in parameter.choices if str(choice) == str(value)]
            config[name] = same[0] if same else value
        else:
            config[name] = float(value)
    try:
        plain = space.from_numbers(space.numbers(config))
        space.check(plain)
    except (ValueError, KeyError, TypeError):
        return None
    return plain
