from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
import seaborn as sns

from analysis.figures import style
from support.studies import FACTS, write_full_run

ROOT = Path(__file__).resolve().parents[3]

# seaborn names a colour map that only exists once seaborn is imported; every figure names its own
NOT_OURS = {"image.cmap"}


def test_the_style_is_the_theme_of_seaborn_written_out() -> None:
    style.use()
    ours = dict(mpl.rcParams)
    mpl.rcdefaults()
    sns.set_theme(
        context="notebook",
        style="ticks",
        palette="colorblind",
        color_codes=False,
        rc={
            "axes.grid": True, "grid.alpha": 0.3, "figure.dpi": 120, "savefig.bbox": "tight",
            "svg.hashsalt": "untunable",
        },
    )  # fmt: skip
    different = {key for key, value in mpl.rcParams.items() if ours[key] != value}
    cycle = "axes.prop_cycle"  # the same colours, as codes here and as numbers there
    assert different - {cycle} == NOT_OURS
    assert [mpl.colors.to_hex(each["color"]) for each in mpl.rcParams[cycle]] == [
        each["color"] for each in ours[cycle]
    ]
    assert list(style.PALETTE) == sns.color_palette("colorblind").as_hex()


def test_settings_of_the_user_change_no_figure() -> None:
    mpl.rcParams["axes.facecolor"] = "black"
    mpl.rcParams["text.usetex"] = True
    style.use()
    assert not mpl.rcParams["text.usetex"]
    assert mpl.rcParams["axes.facecolor"] == "white"


@pytest.mark.parametrize("drawer", ["plot_run", "draw_incumbent"])
def test_figures_are_drawn_in_a_notebook_and_without_latex(drawer: str, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: black\n")
    facts = FACTS | {"fidelity_low": 0.1, "fidelity_full": 100, "fidelity_unit": "rows"}
    write_full_run(tmp_path / "t" / "m" / "seed-0", task_facts=facts)
    code = {
        "plot_run": (
            "from analysis.figures.run_plot import plot_run\n"
            "plot_run(Path(sys.argv[1]) / 't/m/seed-0')"
        ),
        "draw_incumbent": (
            "from analysis.data.study import from_traces\n"
            "from analysis.figures.figure import save\n"
            "from analysis.figures.incumbent import draw_incumbent\n"
            "folder = Path(sys.argv[1])\n"
            "save(draw_incumbent(from_traces(folder).table), folder / 't/m/seed-0', 'regret')"
        ),
    }[drawer]
    check = "\nimport matplotlib\nassert matplotlib.get_backend().lower() == 'agg'"
    environment = {
        **os.environ,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
    }
    code = f"import sys\nfrom pathlib import Path\n{code}{check}"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, cwd=ROOT, env=environment
    )
    assert (tmp_path / "t/m/seed-0/regret.png").exists()


def test_the_backend_of_a_notebook_that_has_imported_pyplot_stays() -> None:
    code = (
        "import matplotlib.pyplot as plt\nplt.switch_backend('svg')\n"
        "from analysis.figures import style\nstyle.use()\n"
        "assert plt.get_backend() == 'svg', plt.get_backend()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("method", "same_as"),
    [("ei,method.x=1", "ei"), ("mtbo_32", "mtbo"), ("asha", "hyperband"), ("sigopt", "multitask")],
)
def test_kin_have_one_colour(method: str, same_as: str) -> None:
    assert style.colour_of(method) == style.colour_of(same_as)
    assert style.colour_of("mine") not in style.PALETTE
