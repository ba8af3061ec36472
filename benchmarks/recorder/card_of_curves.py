"""Write the card of a table of learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recorder import fidelity_ranks, picture_of_curves, timed_alone, untuned
from benchmarks.recorder.card_of_evaluations import (
    cost_line,
    counts,
    good_cost,
    opening,
    sessions,
    short,
)
from benchmarks.recorder.picture_of_curves import losses_at_target
from benchmarks.recorder.random_configs import inputs
from benchmarks.recorder.ranks_of_replay import rank_lines
from benchmarks.recorder.units_of_curves import in_units, kind_of_loss, length
from tasks.replay import table as tables
from tasks.replay.check_curves import GOOD, Errors, chance_of, held_out_errors
from tasks.replay.curve_surrogate import CurveSurrogate, families_of
from tasks.replay.curves import CURVES, shares_of
from tasks.replay.rank_check import rank_checks

SOURCES = {
    "search": "the lowest noiseless replay that a search found",
    "recorded": "the lowest mean of a recorded config, below all that a search found",
    "study": "the lowest truth that a study saw, below all that a search found",
}
"""what ``best_from`` of a table means"""


def write_curve_card(path: Path) -> Path:
    """Write ``<table>.md`` and its two pictures beside a table of curves.

    Args:
        path: path of the table; ``meta["facts"]`` says which configs are untuned.

    Returns:
        The path of ``<table>.md``.
    """
    table = tables.read(path, CURVES)
    surrogates = {
        family: CurveSurrogate(table.space, table.meta, table.columns, family)
        for family in families_of(table.columns)
    }
    picture, biases = path.with_suffix(".png"), path.with_name(f"{path.stem}_fidelities.png")
    known = table.meta.get("facts", {}).get("baselines", {}).get(table.meta["chosen"], {})
    configs = [facts["config"] for facts in known.values()]
    picture_of_curves.draw(table, surrogates, configs, picture)
    lines = _lines(table, surrogates, picture.name)
    lines += _low_fidelities(table, biases)
    target = path.with_suffix(".md")
    target.write_text("\n".join(lines) + "\n")
    return target


def _lines(table: tables.Table, surrogates: dict[str, CurveSurrogate], picture: str) -> list[str]:
    meta, columns = table.meta, table.columns
    facts = meta.get("facts", {})
    held, seeds = columns["held_out"], columns["training_seed"]
    configs = len(np.unique(columns["config"][~held], axis=0))
    first, *rest = opening(meta)
    chosen = meta["chosen"]
    others = " and ".join(f"`{family}`" for family in surrogates if family != chosen)
    source = meta.get("best_from", {}).get(chosen, "search")
    why = ", nearer to the best held-out curves" if held.any() else ""
    return [
        first,
        "",
        f"![Learning curves, held-out check and importances]({picture})",
        "",
        "*Left: every recorded curve. Middle: configs that no surrogate was fitted to, trained and "
        f"replayed. Right: share of the variance of the (replayed) validation {kind_of_loss(meta)} "
        "that goes with a hyperparameter, its interactions included (Sobol's total effect).*",
        *rest,
        f"- fidelity: {_fidelities(table)}",
        f"- curves: {len(held):,} ({_trainings(meta)}), {meta['cpu_hours']} CPU hours "
        f"charged: {configs:,} configs, {int((seeds[~held] > 0).sum()):,} curves with a further "
        f"training seed, {int(held.sum())} held-out configs",
        cost_line(table),
        f"- between recorded configs: `{chosen}`{why}; "
        f"{others} {'is' if len(surrogates) == 2 else 'are'} here, too (`task.surrogate`)",
        f"- median cost of a full training, over the box: {meta['target_cost'][chosen]:g} s"
        f"{good_cost(facts.get('good_cost', {}).get(chosen))}",
        f"- best known loss ({SOURCES[source]}): {meta['best_loss'][chosen]:.4f}",
        _best(table),
        *untuned.lines(facts.get("baselines", {}).get(chosen, {}), kind_of_loss(meta)),
        *([timed_alone.line(facts["alone"])] if "alone" in facts else []),
        _noise(table, surrogates[chosen]),
        f"- sha256 of the content: `{table.sha256}`",
        "",
        *_held_out(table, surrogates),
        "",
        *_fidelity_ranks(table),
        *sessions(meta["sessions"]),
    ]


def _fidelities(table: tables.Table) -> str:
    first, full = in_units(table, 1), table.meta["fidelity_full"]
    unit = table.meta["fidelity_unit"]
    if "shares" in table.meta:
        sizes = ", ".join(f"{in_units(table, entry + 1):,}" for entry in range(length(table)))
        return f"{sizes} {unit}; each is a training of its own, at its own cost"
    every = f", every {first}" if first > 1 else ""
    return f"{first} to {full} {unit}{every}"


def _trainings(meta: Mapping[str, Any]) -> str:
    """Return how the trainings of the curves ended."""
    ended = counts(meta["statuses"])
    if "shares" not in meta:
        return ended
    dropped = meta["dropped"]
    left = f"; {dropped:,} curves are left out, since a training is missing or failed"
    return f"of trainings: {ended}{left * bool(dropped)}"


def _best(table: tables.Table) -> str:
    """Return the line on the best recorded training."""
    columns, full, kind = table.columns, length(table), kind_of_loss(table.meta)
    ended = ~columns["held_out"] & (columns["epochs"] == full)
    best = int(np.flatnonzero(ended)[columns["loss"][ended, -1].argmin()])
    where = ", ".join(f"{key}={short(value)}" for key, value in table.config(best).items())
    loss, test = (columns[quantity][best, -1] for quantity in ("loss", "test_loss"))
    tested = f", test {kind} {test:.4f}" if np.isfinite(test) else ""
    return f"- best recorded curve: {where}: validation {kind} {loss:.4f}{tested}"


def _noise(table: tables.Table, surrogate: CurveSurrogate) -> str:
    configs = [table.config(row) for row in range(len(table.columns["held_out"]))]
    spread = surrogate.spread(inputs(surrogate, configs))
    low, middle, high = np.quantile(spread, [0.1, 0.5, 0.9])
    return (
        f"- noise of a training seed at unrecorded configs: standard deviation of log loss at the "
        f"target {middle:.3f} in the median (10 to 90 %: {low:.3f} to {high:.3f}), of log cost "
        f"{table.meta['noise']['cost']:.3f}"
    )


def _held_out(table: tables.Table, surrogates: dict[str, CurveSurrogate]) -> list[str]:
    chance = chance_of(table.meta["sizes"])
    checks = {
        family: held_out_errors(surrogate, table.space, table.columns, chance)
        for family, surrogate in surrogates.items()
    }
    first = next(iter(checks.values()))
    if not first:
        return ["The surrogates are not yet checked on held-out configs."]
    held = np.flatnonzero(table.columns["held_out"] & (table.columns["epochs"] == length(table)))
    recorded = table.columns["loss"][held, -1]
    ranks = {
        family: rank_checks(recorded, losses_at_target(surrogate, table, held.tolist()), chance)
        for family, surrogate in surrogates.items()
    }
    ties = f" (losses above {chance:.3f}, chance, count as ties)" if np.isfinite(chance) else ""
    return [
        *rank_lines(ranks),
        f"Held-out check, {first[0].curves} configs. Rank: Spearman's correlation of "
        f"losses{ties}, over all and among the best {GOOD:.0%} at the target; errors of logarithms "
        "are medians of absolute values.",
        "",
        f"| surrogate | {table.meta['fidelity_unit']} | R2 of {kind_of_loss(table.meta)} "
        "| rank, all | rank, best | log error: all, best "
        "| R2 of log cost | log cost error |",
        "|---|---|---|---|---|---|---|---|",
        *(_held_out_row(table, family, e) for family, errors in checks.items() for e in errors),
    ]


def _held_out_row(table: tables.Table, family: str, e: Errors) -> str:
    first, last = in_units(table, e.first), in_units(table, e.last)
    units = f"{first}" if first == last else f"{first}-{last}"
    return (
        f"| {family} | {units} | {e.r2:.3f} | {e.rank:.3f} | {e.good_rank:.3f} "
        f"| {e.loss_median:.3f}, {e.good_loss_median:.3f} | {e.cost_r2:.3f} "
        f"| {e.cost_median:.3f} |"
    )


def _fidelity_ranks(table: tables.Table) -> list[str]:
    """Return the rank correlation of each fidelity with the target."""
    chance = chance_of(table.meta["sizes"])
    ranks = []
    for entry in range(1, length(table)):
        pairs = fidelity_ranks.pairs_of_curves(table.columns, entry)
        ranks.append(f"{in_units(table, entry):,}: {fidelity_ranks.rank(pairs, chance):.2f}")
    if not ranks:
        return []
    return [
        f"Rank correlation of the losses after so many {table.meta['fidelity_unit']} with those of "
        f"the full training, over {len(pairs):,} recorded configs: {', '.join(ranks)}.",
        "",
    ]


def _low_fidelities(table: tables.Table, picture: Path) -> list[str]:
    """Draw losses at two low fidelities against the target; returns the lines that show them."""
    shares = shares_of(table.meta, length(table))
    chosen = fidelity_ranks.cheapest_and_middle(shares)
    if not chosen:
        return []
    entries = {share: shares.index(share) + 1 for share in chosen}
    unit, full = table.meta["fidelity_unit"], table.meta["fidelity_full"]
    fidelity_ranks.draw(
        {s: fidelity_ranks.pairs_of_curves(table.columns, entry) for s, entry in entries.items()},
        lambda share: f"{in_units(table, entries[share]):,} of {full:,} {unit}",
        kind_of_loss(table.meta),
        picture,
    )
    return ["", *fidelity_ranks.caption(picture.name)]
