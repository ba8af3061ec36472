from __future__ import annotations

import numpy as np

from methods.models.kernels import from_log_size, log_size


def test_log_size_maps_the_interval_to_the_unit_interval_and_back() -> None:
    s = np.array([1 / 512, 1 / 64, 0.5, 1.0])
    u = log_size(s, 1 / 512)
    np.testing.assert_allclose(u, [0, 3 / 9, 8 / 9, 1])
    np.testing.assert_allclose(from_log_size(u, 1 / 512), s)
    assert from_log_size(np.array([0.0, 1.0]), 1 / 512).tolist() == [1 / 512, 1]


def test_only_the_target() -> None:
    assert log_size(np.ones(2), 1.0).tolist() == [1, 1]
    assert from_log_size(np.array([0.0, 0.4]), 1.0).tolist() == [1, 1]
