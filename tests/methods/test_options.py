from __future__ import annotations

from typing import Any

import pytest

from methods.options import check_counts, check_shares


def test_good_options_pass() -> None:
    check_counts(samples=1, others=10)
    check_shares(fidelities=[0.1, 1], more=(0.5,))


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True, None])
def test_a_count_must_be_a_whole_number_of_1_or_more(value: Any) -> None:
    with pytest.raises(ValueError, match=f"^method.samples={value}: must be a whole number"):
        check_counts(samples=value)


@pytest.mark.parametrize("value", [[], [2], [0], [0.5, -1], ["a"], 0.5, "half"])
def test_shares_must_be_fidelities(value: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a list of fidelities in \(0, 1\]"):
        check_shares(initial_fidelities=value)
