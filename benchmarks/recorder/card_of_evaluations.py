"""Write the card of a table of evaluations: a page on trainings, machines and results."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recorder import fidelity_ranks, raw_rows, timed_alone, untuned
from benchmarks.recorder.backend_comparison import compare_backends, other_backends
from benchmarks.recorder.random_configs import DRAWS
from benchmarks.recorder.ranks_of_replay import rank_lines
from tasks.replay import table as tables
from tasks.replay.check_evaluations import GOOD, at_target, held_out_errors
from tasks.replay.evaluations import RecordedTask
from tasks.replay.maps import can_map, shares_to_map, write_maps
from tasks.replay.rank_check import rank_checks


def write_card(path: Path) -> Path:
    """Write ``<table>.md`` beside a table, and ``<table>.png`` if ``can_map``.

    Returns:
        The path of ``<table>.md``.
    """
    table, task = tables.read(path), RecordedTask(str(path))
    target, picture = path.with_suffix(".md"), path.with_suffix(".png")
    lines = _lines(table, task, _comparison(table, path))
    if can_map(task):
        _draw(table, task, picture)
        lines[2:2] = [*_caption(table, task, picture.name), ""]
    lines += _low_fidelities(table, path.with_name(f"{path.stem}_fidelities.png"))
    target.write_text("\n".join(lines) + "\n")
    return target


def _draw(table: tables.Table, task: RecordedTask, picture: Path) -> None:
    """Draw heat maps of loss and cost, with the recorded configs as dots."""
    from analysis.figures.heat_maps import draw_heat_maps  # matplotlib is slow to import

    columns = table.columns
    drawn = np.isin(columns["fidelity"], shares_to_map(task))
    kept = ~columns["held_out"] & drawn
    with tempfile.TemporaryDirectory() as folder:
        points = Path(folder) / "points.csv"
        with points.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*task.space.names, "fidelity"])
            writer.writerows(np.column_stack([columns["config"], columns["fidelity"]])[kept])
        draw_heat_maps(write_maps(task, Path(folder) / "maps.csv"), picture, points)


def _caption(table: tables.Table, task: RecordedTask, picture: str) -> list[str]:
    unit, full = table.meta["fidelity_unit"], table.meta["fidelity_full"]
    sizes = [f"{round(share * full):,}" for share in shares_to_map(task)]
    return [
        f"![Loss and cost over the box]({picture})",
        "",
        f"*Validation loss (above) and cost (below), interpolated between the recorded configs "
        f"(dots) at {len(sizes)} fidelities: {', '.join(sizes)} {unit}. "
        "Both scales are logarithmic.*",
    ]


def _lines(table: tables.Table, task: RecordedTask, comparison: list[str]) -> list[str]:
    meta, columns = table.meta, table.columns
    facts = meta.get("facts", {})
    return [
        *opening(meta),
        f"- fidelity: {meta['fidelity_low']:.5g} to 1, the share of {meta['fidelity_full']:,} "
        f"{meta['fidelity_unit']}",
        f"- evaluations: {sum(meta['statuses'].values()):,} ({counts(meta['statuses'])}), "
        f"{meta['cpu_hours']} CPU hours charged{_left_out(meta)}",
        cost_line(table),
        f"- median cost of an evaluation at the target, over the box: {meta['target_cost']:g} s"
        f"{good_cost(facts.get('good_cost'))}",
        f"- {_best(table, task)}",
        *untuned.lines(facts.get("baselines", {}), "error"),
        *([timed_alone.line(facts["alone"])] if "alone" in facts else []),
        f"- sha256 of the content: `{table.sha256}`",
        "",
        "| fidelity | " + meta["fidelity_unit"] + " | configs | subset seeds | median cost, s "
        "| correlation with the target |",
        "|---|---|---|---|---|---|",
        *_per_fidelity(columns, meta["fidelity_full"]),
        "",
        "Correlation: Spearman's, of the losses of configs recorded at both fidelities.",
        "",
        *_held_out(table, task),
        "",
        *comparison,
        *sessions(meta["sessions"]),
    ]


def opening(meta: Mapping[str, Any]) -> list[str]:
    """Return the first lines of a card: title, caption, sizes, identity and search space."""
    identity = ", ".join(f"{key} `{value}`" for key, value in meta["identity"].items())
    return [
        f"# {meta['name']}",
        "",
        f"Written by `python -m benchmarks.record task={meta['name']} --compact`; do not edit.",
        "",
        *[f"- {line}" for line in (meta["caption"], counts(meta["sizes"])) if line],
        f"- trained: {identity or 'what the task does not say'}",
        f"- hyperparameters: {_space(meta['space'])}",
    ]


def cost_line(table: tables.Table) -> str:
    """Return the line on how costs were measured."""
    return (
        "- cost: CPU seconds of one thread, normalised to the idle speed of the first machine "
        "below by a reference kernel timed around each evaluation"
        f"{_factors(table.meta['machine_factors'])}; "
        f"{int(table.columns['marked'].sum())} of them were timed on a core over 15 % slower than "
        "idle and not yet timed again"
    )


def _space(space: Mapping[str, Mapping[str, Any]]) -> str:
    texts = []
    for name, facts in space.items():
        if "choices" in facts:
            texts.append(f"`{name}` one of {', '.join(map(str, facts['choices']))}")
        else:
            scale = " (log scale)" if facts.get("log") else ""
            texts.append(f"`{name}` in [{facts['low']:g}, {facts['high']:g}]{scale}")
    return ", ".join(texts)


def _factors(factors: Mapping[str, float]) -> str:
    """Describe the factors that convert costs of other CPU models to the first."""
    others = [f"{factor:.2f} on {cpu}" for cpu, factor in factors.items() if factor != 1]
    return f", and by evaluations timed there, too (a factor of {', '.join(others)})" * bool(others)


def counts(numbers: Mapping[str, int]) -> str:
    """Format counts by name, e.g. ``3 ok, 1 failed``."""
    return ", ".join(f"{count:,} {what}" for what, count in numbers.items())


def _best(table: tables.Table, task: RecordedTask) -> str:
    columns = table.columns
    rows = (columns["fidelity"] == 1) & ~columns["held_out"] & np.isfinite(columns["loss"])
    configs = [table.config(int(row)) for row in np.flatnonzero(rows)]
    best = min(configs, key=lambda config: task.truth(config).loss or np.inf)
    truth = task.truth(best)
    where = ", ".join(f"{name}={short(value)}" for name, value in best.items())
    test = "" if truth.test_loss is None else f", test error {truth.test_loss:.4f}"
    return f"best config at the target: {where}, validation error {truth.loss:.4f}{test}"


def short(value: Any) -> str:
    """Format a hyperparameter's value with up to six digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _per_fidelity(columns: Mapping[str, Any], full: int) -> list[str]:
    lines = []
    for share in np.unique(columns["fidelity"]):
        rows = columns["fidelity"] == share
        configs = len(np.unique(columns["config"][rows], axis=0))
        seeds = len(np.unique(columns["subset_seed"][rows]))
        cost = np.median(columns["cost"][rows])
        lines.append(
            f"| 1/{1 / share:g} | {round(share * full):,} | {configs} | {seeds} | {cost:.3g} "
            f"| {_correlation(columns, float(share))} |"
        )
    return lines


def _correlation(columns: Mapping[str, Any], share: float) -> str:
    """Return Spearman's correlation of losses at ``share`` and at the target, and its size."""
    pairs = fidelity_ranks.pairs_of_evaluations(columns, share)
    if share == 1 or len(pairs) < 3:
        return "-"
    return f"{fidelity_ranks.rank(pairs):.2f} ({len(pairs)})"


def _low_fidelities(table: tables.Table, picture: Path) -> list[str]:
    """Draw losses at two low fidelities against the target; returns the lines that show them."""
    columns, meta = table.columns, table.meta
    shares = np.unique(columns["fidelity"]).tolist()
    paired = {s: fidelity_ranks.pairs_of_evaluations(columns, s) for s in shares if s < 1}
    chosen = fidelity_ranks.cheapest_and_middle([s for s, p in paired.items() if len(p) >= 3])
    if not chosen:
        return []
    full, unit = meta["fidelity_full"], meta["fidelity_unit"]
    fidelity_ranks.draw(
        {share: paired[share] for share in chosen},
        lambda share: f"{round(share * full):,} of {full:,} {unit}",
        "error",
        picture,
    )
    return ["", *fidelity_ranks.caption(picture.name)]


def _left_out(meta: Mapping[str, Any]) -> str:
    count = meta.get("left_out", 0)
    text = f"; {count:,} of them are not replayed: their subset seed has too few configs there"
    return text * bool(count)


def good_cost(seconds: float | None) -> str:
    """Return the end of the line on target costs: that of good configs, if it is known."""
    if seconds is None:
        return ""
    return f"; over the best tenth of {DRAWS:,} random configs: {seconds:g} s"


def _held_out(table: tables.Table, task: RecordedTask) -> list[str]:
    errors = held_out_errors(table, task)
    if not errors:
        return ["Interpolation between recorded configs is not yet checked on held-out ones."]
    lines = [
        *rank_lines({"replay": rank_checks(*at_target(table, task))}),
        "Held-out check: interpolated minus recorded, in nats, at configs that were recorded but "
        f"are not interpolated from. Good configs: loss below {GOOD:g} times the lowest, at the "
        "target.",
        "",
        "| fidelity | configs | evaluations | log loss: median, 90 % of absolute | signed mean "
        "| log cost: median, 90 % of absolute | signed mean |",
        "|---|---|---|---|---|---|---|",
    ]
    for e in errors:
        lines.append(
            f"| 1/{1 / e.fidelity:g} | {'good' if e.good else 'all'} | {e.evaluations} "
            f"| {e.loss_median:.3f}, {e.loss_p90:.3f} | {e.loss_mean:+.3f} "
            f"| {e.cost_median:.3f}, {e.cost_p90:.3f} | {e.cost_mean:+.3f} |"
        )
    return lines


def _comparison(table: tables.Table, path: Path) -> list[str]:
    lines = []
    for other in other_backends(path):
        compared = compare_backends(table, raw_rows.read(other))
        if compared:
            lines += [
                f"The same trainings by backend `{compared[0].backend}`:",
                "",
                "| fidelity | evaluations | difference of validation error: median, largest "
                "| cost, times the table's |",
                "|---|---|---|---|",
                *(
                    f"| 1/{1 / e.fidelity:g} | {e.evaluations} | {e.typical:.4f}, {e.largest:.4f} "
                    f"| {e.cost_ratio:.2f} |"
                    for e in compared
                ),
                "",
            ]
    return lines


def sessions(recorded: list[Mapping[str, Any]]) -> list[str]:
    """Return the lines on machines, commits and versions of a recording."""
    lines = ["Recorded on:", ""]
    for session in recorded:
        machine = session["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in session["versions"].items())
        dirty = " (with uncommitted changes)" if session["dirty"] else ""
        lines.append(
            f"- {session['evaluations']} evaluations on {machine['cpu']} ({machine['cores']} cores,"
            f" {machine['memory_gib']} GiB, {machine['system']}) at commit "
            f"`{str(session['commit'])[:12]}`{dirty} with {versions}"
        )
    return lines
