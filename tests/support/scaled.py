"""A shipped task with options that no YAML sets, for the contract suite."""

from __future__ import annotations

from benchmarks.components import build_task
from benchmarks.core.protocols import Task
from support.settings import composed


def cars_head_in_hours() -> Task:
    """``cars_head`` with trainings that continue, as if one of a good config took 4.2 h."""
    changed = {"hours_per_training": 4.2, "resume_training": True}
    return build_task(composed("task=cars_head")["task"] | changed, [])
