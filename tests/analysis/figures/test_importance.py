from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.importance import draw_importance


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def trials(number: int, fidelity: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rate, junk = 10 ** rng.uniform(-4, 0, number), rng.random(number)
    return pd.DataFrame({
        "task": "bowl", "method": "random", "seed": np.arange(number) % 2, "status": "ok",
        "fidelity": fidelity, "loss": np.exp(np.log10(rate)), "loss_floor": 1e-4,
        "config.rate": rate, "config.junk": junk, "config.other": np.nan,
        "config.kind": rng.choice(["a", "b"], number), "log_scale": "rate",
    })  # fmt: skip


def test_what_the_loss_depends_on_has_nearly_all_importance_and_bars_are_the_data() -> None:
    failed = trials(40, 1.0).assign(status="failed", loss=np.nan)
    drawn = draw_importance(pd.concat([trials(60, 1.0), failed, trials(30, 0.01)]), "bowl")
    data = drawn.data
    assert data["trials"].unique().tolist() == [30, 60]  # nothing in the middle, none failed
    target = data[data["bin"] == "target (1)"].set_index("hyperparameter")
    assert set(target.index) == {"rate", "junk", "kind", "interactions"}
    assert target.loc["rate", "importance"] > 0.9
    assert target["importance"].sum() == pytest.approx(1, abs=1e-6)
    assert (data["error"] < 0.1).all()
    ax = drawn.figure.axes[0]
    widths = [bar.get_width() for bar in ax.patches]
    assert sorted(widths) == pytest.approx(sorted(data["importance"]))
    assert [t.get_text() for t in ax.get_yticklabels()][::3] == ["interactions", "rate"]
    assert "middle (0.1 to below 1): 0" in drawn.caption
    assert "2 seeds" in drawn.caption


def test_bins_with_few_trials_are_left_out_and_named() -> None:
    drawn = draw_importance(trials(5, 1.0), "bowl")
    assert drawn.data.empty
    assert "target (1): 5" in drawn.caption


def test_losses_that_do_not_differ_have_no_importances() -> None:
    drawn = draw_importance(trials(25, 1.0).assign(loss=0.5), "bowl")
    assert (drawn.data["importance"] == 0).all()


def test_without_a_successful_trial_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no trial on bowl"):
        draw_importance(trials(5, 1.0).assign(status="failed"), "bowl")


def test_without_optuna_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"^importance needs optuna: pip install -e"):
        draw_importance(trials(30, 1.0), "bowl")
