from __future__ import annotations

import subprocess
import sys

import pytest

from analysis.options import Command, Option, asks_for_help, nearest, positive, refuse

COMMAND = Command(
    name="paint",
    module="house.paint",
    purpose="Paint a wall.",
    usage="wall=NAME [colour=NAME]",
    options=(
        Option("wall", "NAME", "which wall"),
        Option("colour", "NAME", "the colour", "white"),
        Option("from", "FOLDER", "where the paint is"),
    ),
    examples=("wall=north", "wall=south colour=red"),
)
WITH_FOLDER = Command(**{**COMMAND.__dict__, "bare": "from"})


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {}),
        (["wall=north", "colour=red"], {"wall": "north", "colour": "red"}),
        (["--wall=north", "--colour", "red"], {"wall": "north", "colour": "red"}),
        (["colour=a=b"], {"colour": "a=b"}),
    ],
)
def test_values_by_key(arguments: list[str], values: dict[str, str]) -> None:
    assert COMMAND.parse(arguments) == values


@pytest.mark.parametrize("folder", ["runs", "runs/x/ei,method.a=1"])
def test_a_word_alone_is_the_value_of_one_option(folder: str) -> None:
    assert WITH_FOLDER.parse([folder, "wall=east"]) == {"from": folder, "wall": "east"}
    assert WITH_FOLDER.parse(["wall=a/b"]) == {"wall": "a/b"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["color=red"], "unknown key color; did you mean 'colour'? (allowed: wall, colour, from)"),
        (["zzz=1"], "unknown key zzz (allowed: wall, colour, from)"),
        (["--colors", "red"], "unknown argument --colors; did you mean 'colour'?"),
        (["north"], "unknown argument north (allowed:"),
        (["wall"], "wall needs a value: wall=NAME"),
        (["wall="], "wall needs a value: wall=NAME"),
        (["wall=north", "--colour"], "colour needs a value: colour=NAME"),
        (["wall=a", "wall=b"], "wall is given twice: a and b"),
    ],
)
def test_a_mistake_is_a_line_that_says_what_is_allowed(arguments: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as raised:
        COMMAND.parse(arguments)
    assert str(raised.value).startswith(said)


def test_the_help_has_a_line_for_every_option_with_its_default() -> None:
    assert COMMAND.help() == (
        "Paint a wall.\n\n"
        "usage: untunable paint wall=NAME [colour=NAME]\n"
        "       python -m house.paint ...   (the same)\n\n"
        "options:\n"
        "  wall=NAME    which wall\n"
        "  colour=NAME  the colour (default: white)\n"
        "  from=FOLDER  where the paint is\n"
        "  -h, --help   this page\n\n"
        "examples:\n"
        "  untunable paint wall=north\n"
        "  untunable paint wall=south colour=red\n"
    )


def test_small_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert asks_for_help(["a=1", "-h"])
    assert not asks_for_help(["a=--help"])
    assert nearest("stdy", ["runs", "study"]) == "; did you mean 'study'?"
    assert nearest("qqq", ["runs"]) == ""
    assert refuse(ValueError("two\nlines")) == 2
    assert capsys.readouterr().err == "error: two lines\n"


@pytest.mark.parametrize(
    ("text", "whole"),
    [("0", False), ("x", False), ("nan", False), ("inf", False), ("1.5", True), ("-1", True)],
)
def test_a_number_must_be_positive(text: str, whole: bool) -> None:
    with pytest.raises(ValueError, match=f"^n={text}: must be a "):
        positive({"n": text}, "n", 1, whole)
    assert positive({}, "n", 0.5) == 0.5
    assert positive({"n": "3"}, "n", 1, whole=True) == 3


def test_it_imports_the_standard_library_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import analysis.options\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert new <= sys.stdlib_module_names | {'analysis'}, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
