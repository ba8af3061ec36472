"""A fixed torch workload that measures the core's speed for tasks that train networks."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

STEPS = 3


def torch_kernel() -> Callable[[], float]:
    """Build the kernel: forward and backward passes through small fixed networks.

    Like the trainings of this suite, it consists of convolutions with batch normalisation and of
    attention. The weights never change, so the workload is always the same.

    Returns:
        A function that runs the workload once, on one thread, and returns its CPU seconds (about
        0.2).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        convolutions = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        )
        attention = nn.TransformerEncoderLayer(64, 2, 256, dropout=0.0, batch_first=True)
        images, tokens = torch.randn(64, 1, 28, 28), torch.randn(16, 64, 64)
    networks = [(convolutions.train(), images), (attention.train(), tokens)]

    def work() -> float:
        started = time.thread_time()
        with torch.random.fork_rng(devices=[]):
            for _ in range(STEPS):
                for network, inputs in networks:
                    network.zero_grad()
                    network(inputs).square().mean().backward()
        return time.thread_time() - started

    work()  # the first call is slower: it allocates memory
    return work
