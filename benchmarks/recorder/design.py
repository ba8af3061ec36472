"""Designs of recordings: configs, fidelities and subset seeds to evaluate."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmarks.core.space import Config, Space, nearest
from benchmarks.recorder.raw_rows import Key, key_of

KEYS = ("fidelities", "subset_seeds", "held_out", "grid", "configs", "sobol")
SOBOL = ("count", "seed", "keep")


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a design."""

    config: Config
    fidelity: float
    subset_seed: int
    held_out: bool
    """recorded to check the replay, not used by it"""

    @property
    def key(self) -> Key:
        return key_of(self.config, self.fidelity, self.subset_seed)


def expand(stages: Sequence[Mapping[str, Any]], space: Space) -> list[Evaluation]:
    """Return all evaluations of a design: stage by stage, lowest fidelity first, no duplicates.

    A stage has ``fidelities`` (shares, also as fractions ``1/512``), optionally ``subset_seeds``
    (a count or a list; default 1) and ``held_out``, and its configs in one of three forms:
    ``grid`` (name -> values), ``configs`` (rows of values in the order of the space's names), or
    ``sobol`` (``count``, ``seed`` and optionally ``keep``, the indices of the sequence to use;
    ``count`` then limits them to the first ones).

    Raises:
        ValueError: a stage has none or several of the three forms or an unknown key, or a config
            or fidelity is out of range.
    """
    evaluations: dict[Key, Evaluation] = {}
    for number, stage in enumerate(stages):
        for key in stage:
            if key not in KEYS:
                hint = nearest(key, KEYS)
                raise ValueError(f"stage {number} of the design: unknown key {key}{hint}")
        if "fidelities" not in stage:
            raise ValueError(f"stage {number} of the design: fidelities is missing")
        shares = sorted(float(Fraction(str(f))) for f in stage["fidelities"])
        for share in shares:
            if not 0 < share <= 1:
                raise ValueError(f"stage {number} of the design: fidelity {share} is not in (0, 1]")
        seeds = stage.get("subset_seeds", 1)
        seeds = range(seeds) if isinstance(seeds, int) else seeds
        configs = _configs(number, stage, space)
        for config in configs:
            space.check(config)
        for share, seed, config in itertools.product(shares, seeds, configs):
            evaluation = Evaluation(config, share, seed, bool(stage.get("held_out", False)))
            evaluations.setdefault(evaluation.key, evaluation)
    return list(evaluations.values())


def _configs(number: int, stage: Mapping[str, Any], space: Space) -> list[dict[str, Any]]:
    kinds = [kind for kind in ("grid", "configs", "sobol") if kind in stage]
    if len(kinds) != 1:
        raise ValueError(f"stage {number} of the design: give one of grid, configs, sobol")
    if kinds == ["grid"]:
        return [
            dict(zip(stage["grid"], values, strict=True))
            for values in itertools.product(*stage["grid"].values())
        ]
    if kinds == ["configs"]:
        return [dict(zip(space.names, values, strict=True)) for values in stage["configs"]]
    return _kept(number, stage["sobol"], space)


def sobol(space: Space, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the first ``count`` configs of a scrambled Sobol sequence."""
    sampler = qmc.Sobol(space.width, rng=np.random.default_rng(seed))
    # draw a power of two, since scipy warns about other sizes, and keep the first ``count``
    points = sampler.random_base2((count - 1).bit_length())
    return [space.decode(u) for u in points[:count]]


def _kept(number: int, facts: Mapping[str, Any], space: Space) -> list[dict[str, Any]]:
    for key in facts:
        if key not in SOBOL:
            hint = nearest(key, SOBOL)
            raise ValueError(f"stage {number} of the design: unknown key sobol.{key}{hint}")
    if "count" not in facts and "keep" not in facts:
        raise ValueError(f"stage {number} of the design: sobol needs count or keep")
    count = facts.get("count", len(facts.get("keep", ())))
    if not isinstance(count, int) or count < 1:
        raise ValueError(
            f"stage {number} of the design: sobol.count={count}: must be a whole number, 1 or more"
        )
    indices = facts.get("keep", range(count))
    if any(not isinstance(index, int) or index < 0 for index in indices):
        raise ValueError(f"stage {number} of the design: sobol.keep: must be indices, from 0")
    if count > len(indices):
        raise ValueError(
            f"stage {number} of the design: sobol.count={count} of {len(indices)} kept configs"
        )
    configs = sobol(space, max(indices[:count]) + 1, facts.get("seed", 0))
    return [configs[index] for index in indices[:count]]
