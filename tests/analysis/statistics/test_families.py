from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.data.families import cluster_of, family_of
from analysis.statistics.families import effective_number, over_families


def judged(*ks: float, method: str = "a", budget: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"method": method, "seed": range(len(ks)), "budget": budget, "k": ks})


def test_related_tasks_are_one_cluster_and_own_tasks_a_family_each() -> None:
    assert family_of("svm_covertype") == "SVMs"
    assert family_of("gbm_covertype") == "own networks and trees"
    assert cluster_of("svm_covertype") == cluster_of("gbm_covertype") == "covertype"
    assert family_of("mine") == cluster_of("mine") == "mine"


def test_families_have_equal_weights_however_many_tasks_they_have() -> None:
    """Three SVMs of K = 10 and one synthetic task of K = 1000: the mean over families is 100."""
    tasks = {name: judged(10, 10) for name in ("svm_mnist", "svm_covertype", "svm_letter")}
    found = over_families(tasks | {"branin": judged(1000, 1000)}).set_index("family")
    assert found.k.to_dict() == pytest.approx({"SVMs": 10, "synthetic": 1000, "all": 100})
    assert found.tasks.to_dict() == {"SVMs": 3, "synthetic": 1, "all": 4}


def test_a_cluster_counts_as_one_task() -> None:
    """Both surrogates of one table are one cluster: the mean is that of 100 and 1."""
    tasks = {"cars_head": judged(100), "cars_head_boosting": judged(100)}
    tasks["lm_shakespeare"] = judged(1)
    found = over_families(tasks).set_index("family")
    assert found.k["own networks and trees"] == pytest.approx(10)
    assert found.clusters["own networks and trees"] == 2


def test_intervals_come_from_seeds_and_clusters() -> None:
    one = over_families({"svm_mnist": judged(1, 100)}).iloc[0]
    assert (one.k, one.k_low, one.k_high) == pytest.approx((10, 1, 100))
    two = over_families({"svm_mnist": judged(1, 1), "svm_letter": judged(100, 100)}).iloc[0]
    assert (two.k, two.k_low, two.k_high) == pytest.approx((10, 1, 100))
    assert np.isnan(over_families({"branin": judged(5)}).k_low).all()


def test_a_method_that_lacks_a_task_of_a_family_is_not_averaged_there() -> None:
    tasks = {
        "svm_mnist": pd.concat([judged(10), judged(10, method="b")]),
        "svm_letter": judged(10),
        "branin": pd.concat([judged(2), judged(3, method="b")]),
    }
    found = over_families(tasks)
    assert found[found.method == "a"].family.tolist() == ["SVMs", "synthetic", "all"]
    assert found[found.method == "b"].family.tolist() == ["synthetic"]


def test_a_cluster_of_two_families_is_counted_once_over_all_families() -> None:
    found = over_families({"svm_covertype": judged(1, 2), "gbm_covertype": judged(1, 2)})
    assert found.set_index("family").clusters["all"] == 1


def test_the_effective_number_of_tasks() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(500, 1))
    assert effective_number(np.hstack([one, one**3, np.exp(one)])) == pytest.approx(1)
    assert effective_number(rng.normal(size=(5000, 4))) == pytest.approx(4, rel=0.01)
    assert effective_number(one) == 1
    assert effective_number(np.hstack([one, -one])) == pytest.approx(1)
