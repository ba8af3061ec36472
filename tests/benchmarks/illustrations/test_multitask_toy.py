from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.illustrations.multitask_toy import (
    NOISE,
    OBSERVED,
    TARGET,
    loss_of,
    write_multitask_toy,
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    paths = write_multitask_toy(tmp_path_factory.mktemp("toy"))
    curves, points = (pd.read_csv(path) for path in paths)
    return curves, points


def test_points_are_noisy_values_of_the_two_functions(
    toy: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    _, points = toy
    own = points[points.task == "target"]
    assert own.x.tolist() == list(OBSERVED[TARGET])
    off = own.loss - loss_of(own.x.to_numpy(), TARGET)
    assert 0 < off.abs().max() < 4 * NOISE


def test_the_cheap_task_brings_the_model_nearer_to_the_target(
    toy: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    curves, _ = toy
    single, multi = (
        np.sqrt(np.mean((curves[f"{name}_mean"] - curves.target) ** 2))
        for name in ("single", "multi")
    )
    assert multi < 0.5 * single
    assert curves.multi_sd.mean() < curves.single_sd.mean()
    covered = abs(curves.multi_mean - curves.target) < 1.645 * curves.multi_sd
    assert covered.mean() > 0.8


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    first, second = (
        [path.read_bytes() for path in write_multitask_toy(tmp_path / name)] for name in ("a", "b")
    )
    assert first == second
