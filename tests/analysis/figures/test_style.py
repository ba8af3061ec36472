from __future__ import annotations

import matplotlib as mpl
import pytest
import seaborn as sns

from analysis.figures import style

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
    style.use()
    assert mpl.rcParams["axes.facecolor"] == "white"
    assert mpl.get_backend().lower() == "agg"


@pytest.mark.parametrize(
    ("method", "same_as"),
    [("ei,method.x=1", "ei"), ("mtbo_32", "mtbo"), ("asha", "hyperband"), ("sigopt", "multitask")],
)
def test_kin_have_one_colour(method: str, same_as: str) -> None:
    assert style.colour_of(method) == style.colour_of(same_as)
    assert style.colour_of("mine") not in style.PALETTE
