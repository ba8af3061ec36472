"""What README shows, done as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks(kind: str) -> dict[str, str]:
    """Code blocks marked ``<!-- kind name -->``, by name."""
    pattern = rf"<!-- {kind} (.+?) -->\n```\w+\n(.*?)```"
    return dict(re.findall(pattern, README.read_text(), re.S))


def test_readme_has_the_two_commands_and_the_two_screens() -> None:
    assert set(blocks("command")) == {"1", "2"}
    assert set(blocks("run")) == {"own method", "own task", "own recording"}
    assert {"mine.py", "bowl.py"} <= set(blocks("file"))


@pytest.mark.parametrize(
    "name",
    ["own method", "own task", pytest.param("own recording", marks=pytest.mark.slow)],
)
def test_bring_your_own_works_as_shown(name: str, tmp_path: Path) -> None:
    tmp_path /= "a,b (1) müller"  # whatever a folder is called
    for file, content in blocks("file").items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    command = "set -e\n" + blocks("run")[name].replace("python ", f"{sys.executable} ")
    environment = {**os.environ, "PYTHONPATH": str(README.parent)}
    done = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (trace,) = tmp_path.glob("results/runs/default/*/*/seed-0/trace.jsonl")
    assert len(trace.read_text().splitlines()) >= 2
    assert (trace.parent / "regret.png").exists()
    if name == "own recording":
        assert "60 (60 ok)" in (tmp_path / "bowl.md").read_text()
        assert (tmp_path / "bowl.png").exists()


PAGES = sorted(
    path
    for path in README.parent.rglob("*.md")
    if not {".venv", "runs", "node_modules"} & set(path.relative_to(README.parent).parts)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(README.parent)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            heads = re.findall(r"^#+ (.+)$", target.read_text(), re.M)
            anchors = {
                re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads
            }
            assert anchor in anchors, link


def test_the_pages_list_exactly_the_methods_and_tasks_there_are() -> None:
    for group in ("method", "task"):
        page = README.parent / f"{group}s" / "README.md"
        table = page.read_text().split(f"| `{group}=` |")[1].split("\n\n")[0]
        cells = re.findall(r"^\| (`.+?`) \|", table, re.M)
        listed = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
        there = [path.stem for path in (README.parent / "conf" / group).glob("*.yaml")]
        assert sorted(listed) == sorted(there)
