from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.table_of_curves import columns_of
from support.curves import DERIVED, EPOCHS, SPACE, loss_at, record, row
from tasks.replay import fit_curves as curve_fit
from tasks.replay.curve_surrogate import COLUMNS, FAMILIES, CurveSurrogate


def columns(path: Path) -> dict[str, np.ndarray]:
    return columns_of(list(costs.best_rows(raw_rows.read(path))), SPACE, EPOCHS)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is fitted to many curves: arrays and facts."""
    rows = record(tmp_path_factory.mktemp("fit") / "rows.jsonl", count=300, repeats=60)
    return curve_fit.fit(SPACE, columns(rows), DERIVED, 0.001)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_the_formula_behind_the_curves(
    family: str, fitted: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    arrays, facts = fitted
    assert set(arrays) == set(COLUMNS)
    surrogate = CurveSurrogate(SPACE, facts, arrays, family)
    rng = np.random.default_rng(9)
    configs = [SPACE.sample(rng) for _ in range(100)]
    seen = surrogate.predict(np.array([surrogate.inputs(config) for config in configs]))
    real = np.array([[loss_at(c, e) for e in range(1, EPOCHS + 1)] for c in configs])
    assert np.median(abs(np.log(seen.loss / real))) < 0.05
    real_cost = [EPOCHS * 64 / config["batch"] for config in configs]
    np.testing.assert_allclose(seen.cost[:, -1], real_cost, rtol=0.1)
    assert surrogate.spread(surrogate.inputs(configs[0])[None])[0] == pytest.approx(0.02, rel=0.5)


@pytest.mark.slow
def test_held_out_and_broken_curves_are_not_fitted_to(tmp_path: Path) -> None:
    path = record(tmp_path / "rows.jsonl", held_out=0)
    without, _ = curve_fit.fit(SPACE, columns(path), DERIVED, 0.001)
    odd = {"rate": 0.5, "momentum": 0.1, "batch": 16, "nesterov": True}
    raw_rows.append(path, row(odd, held_out=True))
    raw_rows.append(path, row(odd, seed=1, ends=2))
    with_them, _ = curve_fit.fit(SPACE, columns(path), DERIVED, 0.001)
    for name, array in without.items():
        np.testing.assert_array_equal(array, with_them[name], err_msg=name)


@pytest.mark.slow
def test_without_repeats_there_is_no_noise(tmp_path: Path) -> None:
    path = record(tmp_path / "rows.jsonl", repeats=0)
    arrays, facts = curve_fit.fit(SPACE, columns(path), DERIVED, 0.001)
    surrogate = CurveSurrogate(SPACE, facts, arrays, "extra_trees")
    config = SPACE.sample(np.random.default_rng(0))
    np.testing.assert_array_equal(surrogate.draw(config, 0).loss, surrogate.draw(config, 1).loss)


def test_a_few_curves_are_too_few(tmp_path: Path) -> None:
    path = record(tmp_path / "rows.jsonl", count=10, repeats=0)
    with pytest.raises(ValueError, match=r"^10 whole curves are recorded"):
        curve_fit.fit(SPACE, columns(path), DERIVED, 0.001)
