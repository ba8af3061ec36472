"""Waits for events. How long one takes is never asserted: a limit only ends a test that hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 600.0
"""seconds after which something that should have happened is given up, on the slowest machine"""


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until ``condition()`` is true; fail the test if it never is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def let_pass(gate: Path, evaluations: int) -> None:
    """Let so many more evaluations pass the gate, a folder."""
    for _ in range(evaluations):
        (gate / f"{time.time_ns()}").touch(exist_ok=False)


def pass_gate(gate: Path) -> None:
    """Wait until the test lets one more evaluation pass; each file in the folder is for one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for ticket in gate.iterdir():
            try:
                ticket.unlink()
            except FileNotFoundError:  # another evaluation took it
                continue
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing let this evaluation pass {gate}")
