"""A recording of learning curves by formula: what surrogates can be fitted to in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.space import Categorical, Float, PowerOfTwo, Space
from benchmarks.recorder import lowest_loss, raw_rows, table_of_curves
from support.recordings import facts, session

EPOCHS = 7
SPACE = Space({
    "rate": Float(1e-3, 1.0, log=True),
    "momentum": Float(0.0, 0.9),
    "batch": PowerOfTwo(16, 64),
    "nesterov": Categorical((True, False)),
})  # fmt: skip
BROKEN = {"rate": 0.9, "momentum": 0.9, "batch": 16, "nesterov": True}
"""a config that diverges"""
SHORT = {"SEARCHED": 2000, "STARTS": 20, "NEAR": 20, "STEPS": 20}
"""a search for the lowest loss that takes a fifth of the time"""
DERIVED = {"step": {"rate": 1.0, "1-momentum": -1.0}}


def loss_at(config: dict[str, Any], epoch: int) -> float:
    """Noiseless loss after an epoch."""
    step = np.log10(config["rate"] / (1 - config["momentum"]))
    return float(min(0.05 + 0.1 * (step + 1) ** 2 + 0.5 / epoch, 0.99))


def row(
    config: dict[str, Any],
    seed: int = 0,
    held_out: bool = False,
    noise: float = 0.02,
    ends: int = EPOCHS,
) -> dict[str, Any]:
    """One recorded curve; it diverges after ``ends`` epochs if they are fewer than all."""
    z = np.random.default_rng([seed, int(1e6 * config["rate"])]).standard_normal()
    losses = [loss_at(config, e) * float(np.exp(noise * z)) for e in range(1, ends + 1)]
    cost = [e * 64 / config["batch"] for e in range(1, ends + 1)]
    whole = cost[-1] if ends == EPOCHS else cost[-1] + 0.5
    return facts(
        whole, config=config, fidelity=1.0, subset_seed=seed, held_out=held_out,
        status="ok" if ends == EPOCHS else "diverged",
        loss=losses[-1] if ends == EPOCHS else None, test_loss=losses[-1] + 0.01,
        curve={"loss": losses, "test_loss": [x + 0.01 for x in losses], "cost": cost},
    )  # fmt: skip


def opening() -> dict[str, Any]:
    """The session line of the recording."""
    line = session()
    line["session"] |= {
        "fidelity_full": EPOCHS,
        "fidelity_low": 1 / EPOCHS,
        "fidelity_unit": "epochs",
        "sizes": {"classes": 50, "validation photos": 1000},
        "space": SPACE.spec(),
    }
    return line


def record(path: Path, count: int = 60, repeats: int = 20, held_out: int = 12) -> Path:
    """Write a rows file: ``count`` configs, some with a second seed, and held-out ones."""
    rng = np.random.default_rng(0)
    configs = [SPACE.sample(rng) for _ in range(count)]
    raw_rows.append(path, opening())
    for config in configs:
        raw_rows.append(path, row(config))
    for config in configs[:repeats]:
        raw_rows.append(path, row(config, seed=1))
    for _ in range(held_out):
        raw_rows.append(path, row(SPACE.sample(rng), held_out=True))
    return path


def compact(source: Path, caption: str | None = None) -> Path:
    """Make the table of a rows file, beside it, with a ``SHORT`` search for the lowest loss."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHORT.items():
            patch.setattr(lowest_loss, name, value)
        target = source.with_suffix(".npz")
        return table_of_curves.compact_curves(source, target, SPACE, DERIVED, caption)
