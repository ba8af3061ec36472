from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tasks.training.torch_kernel import torch_kernel  # noqa: E402


def test_the_kernel_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    work = torch_kernel()
    assert work() > 0.001
    assert torch.equal(torch.random.get_rng_state(), before)
