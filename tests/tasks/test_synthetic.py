from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kendalltau

from tasks.synthetic import FUNCTIONS, Synthetic


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_the_known_minimum_is_the_minimum(name: str) -> None:
    function = FUNCTIONS[name]
    rng = np.random.default_rng(0)
    starts = sorted(rng.random((2000, function.width)), key=function.evaluate)[:10]
    runs = [minimize(function.evaluate, u, bounds=[(0, 1)] * function.width) for u in starts]
    found = min(runs, key=lambda run: float(run.fun))
    assert found.fun == pytest.approx(function.minimum, abs=1e-6)
    task = Synthetic(name)
    truth = task.truth(task.space.decode(found.x)).loss
    assert truth == pytest.approx(task.best_loss, abs=1e-6)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_the_median_cost_of_the_best_tenth_is_that_of_random_configs(name: str) -> None:
    task, rng = Synthetic(name, target_cost=7.0), np.random.default_rng(2)
    configs = [task.space.sample(rng) for _ in range(20000)]
    losses = np.array([task.truth(config).loss for config in configs])
    costs = np.array([task.evaluate(config, 1.0, rng).cost for config in configs])
    good = np.median(costs[losses <= np.quantile(losses, 0.1)])
    assert task.good_cost == pytest.approx(good, rel=0.03)
    assert np.median(costs) == pytest.approx(7.0, rel=0.03)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_losses_lie_between_the_best_loss_and_1(name: str) -> None:
    task, rng = Synthetic(name, noise=0.0), np.random.default_rng(0)
    for _ in range(300):
        share = float(rng.uniform(task.fidelities.low, 1))
        loss = task.evaluate(task.space.sample(rng), share, rng).loss
        assert task.best_loss is not None
        assert task.best_loss <= loss <= 1


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_small_subsets_reorder_the_good_configs_and_large_ones_hardly(name: str) -> None:
    task, rng = Synthetic(name, noise=0.0), np.random.default_rng(1)
    configs = [task.space.sample(rng) for _ in range(2000)]
    at_target = np.array([task.truth(config).loss for config in configs])
    good = np.argsort(at_target)[:100]

    def agreement(share: float) -> float:
        losses = [task.evaluate(configs[i], share, rng).loss for i in good]
        return float(kendalltau(losses, at_target[good]).statistic)

    small, medium, large = (agreement(share) for share in (1 / 512, 1 / 32, 0.5))
    assert small < 0.4
    assert small < medium < large
    assert large > 0.8


def test_cost_grows_as_the_power_asked_for_and_depends_on_the_config() -> None:
    for power in (1.0, 2.0):
        task = Synthetic(cost_power=power)

        def cost(x1: float, share: float, task: Synthetic = task) -> float:
            return task.evaluate({"x1": x1, "x2": 0.5}, share, np.random.default_rng(0)).cost

        assert cost(0.5, 1.0) == pytest.approx(100)
        assert cost(0.5, 0.5) / cost(0.5, 0.25) == pytest.approx(2**power, rel=0.05)
        assert cost(1.0, 1.0) / cost(0.0, 1.0) == pytest.approx(4)


def test_noise_is_of_the_size_asked_for() -> None:
    task, rng = Synthetic(noise=0.1), np.random.default_rng(0)
    config = {"x1": 0.4, "x2": 0.6}
    logs = np.log([task.evaluate(config, 1.0, rng).loss for _ in range(2000)])
    assert np.std(logs) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": "brannin"}, "allowed are branin, hartmann6; did you mean 'branin'"),
        ({"cost_power": 0}, "cost_power=0: must be positive"),
        ({"low": 1}, r"low=1: allowed is \(0, 1\)"),
        ({"noise": -1}, r"noise=-1: allowed is \[0, 1\]"),
    ],
)
def test_options_outside_what_is_allowed_are_refused(
    options: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Synthetic(**options)  # type: ignore[arg-type]
