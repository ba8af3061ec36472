from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.help_text import (
    GROUPS,
    choices,
    first_sentence,
    listing,
    record_help,
    run_help,
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# One thing. And another.\nx: 1\n", "One thing"),
        ("# @package _global_\n# A thing\n# over two lines: it goes on\nx: 1", "A thing over two"),
        ("# Li et al. 2018, in v1.5 of it. More.\n", "Li et al. 2018, in v1.5 of it"),
        ("# A toy: Branin, easy. Two.\n", "A toy: Branin, easy"),
        ("x: 1\n# no comment at the top\n", ""),
    ],
)
def test_the_first_sentence_of_the_first_comment(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert first_sentence(path).startswith(sentence)
    assert bool(first_sentence(path)) == bool(sentence)


@pytest.mark.parametrize("group", GROUPS)
def test_every_yaml_says_in_a_sentence_what_it_is(group: str) -> None:
    for name, sentence in choices(group).items():
        assert len(sentence) > 10, name


def test_the_help_of_run_has_groups_flags_settings_and_examples() -> None:
    text = run_help()
    for part in (
        "examples:",
        "-m, --multirun",
        "  seed: 0",
        "workers:",
        "method=NAME\n",
        "task=NAME\n",
    ):
        assert part in text
    assert "hydra:" not in text
    assert "defaults:" not in text.split("settings (")[1].partition("\n")[2]


def test_the_help_of_record_has_flags_settings_and_examples() -> None:
    text = record_help()
    for part in ("examples:", "--status ", "--compact ", "  task: svm_mnist", "  workers: 1  "):
        assert part in text
    assert "${task}" not in text


def test_choices_are_told_apart_by_their_line() -> None:
    for group in GROUPS:
        lines = list(choices(group).values())
        assert len(lines) == len(set(lines)), group


def test_lines_are_cut_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    whole = listing(["task"]).splitlines()
    assert max(map(len, whole)) > 120
    monkeypatch.setenv("COLUMNS", "80")
    cut = listing(["task"]).splitlines()
    assert len(cut) == len(whole)
    assert max(map(len, cut)) <= 80
    assert any(line.endswith(" ...") for line in cut)
