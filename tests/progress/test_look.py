"""The colour look: what a line says, what fits, and what ProgressManager changes."""

import pytest

from tipi.plugin import BarState, ConfigError
from tipi_core.run import Run
from tipi_plugins.progress.amounts import clock, compact, metric
from tipi_plugins.progress.look import ColourLook
from tipi_plugins.progress.options import THEMES, LookOptions
from tipi_plugins.progress.widths import width_of


def bar(**changes):
    fields = {
        "id": 1, "parent": None, "depth": 0, "desc": "Epochs", "n": 3, "total": 10, "initial": 0, "elapsed": 6.0,
        "rate": 0.5, "unit": "it", "unit_scale": False, "unit_divisor": 1000, "postfix": "", "state": "running",
        "colour": None, "leave": True, "text": None,
    }  # fmt: skip
    return BarState(**{**fields, **changes})


@pytest.fixture
def look(monkeypatch):
    def make(run=None, **environment):
        for name in ("NO_COLOR", "COLORTERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm-256color", **environment}.items():
            monkeypatch.setenv(name, value)
        made = ColourLook(run or Run("test"))
        made._unicode = True
        return made

    return make


def words(line):
    return line.split()[1:]


def test_a_line_says_everything(look):
    [line] = look(NO_COLOR="1").draw([bar(postfix="lr=0.1")], {"loss": 0.25}, 120)
    assert words(line)[0] == "Epochs"
    assert words(line)[2:] == ["30%", "3/10", "0:06<0:14", "2.00", "s/it", "lr=0.1", "loss", "0.2500"]


def test_a_metric_is_worth_more_than_rate_and_percent(look):
    """Of several metrics those that fit are shown, and at least one on a terminal of the usual width."""
    metrics = {"train/batch_loss": 0.05, "learning_rate": 3e-4}
    bars = [bar(), bar(id=2, depth=1, desc="Training", n=14, total=40, unit="batch")]
    shown = {columns: look(NO_COLOR="1").draw(bars, metrics, columns)[1] for columns in (60, 80, 140)}
    assert [name in shown[140] for name in (*metrics, "35%", "batch/s", "s/batch")] == [True, True, True, False, True]
    assert [name in shown[80] for name in (*metrics, "14/40", "<")] == [True, False, True, True]
    assert not any(name in shown[60] for name in metrics)


@pytest.mark.parametrize(("state", "mark"), [("finished", "✓"), ("stopped", "■"), ("failed", "✗")])
def test_how_a_bar_ended_is_seen_without_colours(look, state, mark):
    [line] = look(NO_COLOR="1").draw([bar(state=state)], {}, 80)
    assert line.startswith(mark)


def test_branches_show_what_is_inside_what(look):
    bars = [bar(id=at, depth=depth, desc=f"{at}") for at, depth in enumerate([0, 1, 2, 1])]
    lines = look(NO_COLOR="1").draw(bars, {}, 80)
    assert [line[:5].rstrip() for line in lines[1:]] == ["├ 1", "  └ 2", "└ 3"]
    assert len({line.index("━") for line in lines}) == 1


@pytest.mark.parametrize("columns", [*range(5, 60, 5), 80, 132, 250])
def test_every_line_fits(look, columns):
    bars = [
        bar(desc="a long description " * 2, postfix="x" * 40),
        bar(id=2, depth=1, desc="漢字漢字", total=None, n=12345, unit="batch"),
        bar(id=3, depth=2, desc="e\u0301" * 30, unit_scale=True, unit="B", n=10**7, total=10**9, rate=1e6),
    ]
    for system in ({"NO_COLOR": "1"}, {"COLORTERM": "truecolor"}, {"TERM": "xterm"}):
        for line in look(**system).draw(bars, {"loss": 1.0, "accuracy": 0.5}, columns):
            assert width_of(line) <= columns


def test_colours_follow_the_terminal(look):
    assert "\x1b[38;2;" in look(COLORTERM="truecolor").draw([bar()], {}, 80)[0]
    assert "\x1b[38;5;" in look().draw([bar()], {}, 80)[0]
    assert "\x1b[38;" not in look(TERM="xterm").draw([bar()], {}, 80)[0]
    assert "\x1b" not in look(NO_COLOR="1").draw([bar()], {}, 80)[0]


def test_a_bar_of_a_colour_of_its_own(look):
    assert "\x1b[38;2;0;255;0m━" in look(COLORTERM="truecolor").draw([bar(colour="#00ff00")], {}, 80)[0]
    assert look().draw([bar(colour="no such colour")], {}, 80)


def test_scaled_amounts(look):
    [line] = look(NO_COLOR="1").draw([bar(n=1536, total=2048, unit="B", unit_scale=True, unit_divisor=1024)], {}, 120)
    assert "1.50k/2.00kB" in line


def test_a_total_of_zero_or_one_that_is_passed(look):
    for n, total in ((0, 0), (12, 10), (0.5, 1)):
        assert look().draw([bar(n=n, total=total)], {}, 80)


def test_columns_and_theme_are_the_users(look):
    run = Run("test")
    made = look(run)
    made.draw([bar()], {}, 80)
    run.service(LookOptions).change(columns=["count", "desc"], theme="mono")
    [line] = made.draw([bar()], {"loss": 1}, 80)
    assert [*words(line.replace("\x1b[1m", "").replace("\x1b[0m", ""))] == ["Epochs", "3/10"]


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_draws(look, theme):
    run = Run("test")
    run.service(LookOptions).change(theme=theme)
    for state in ("running", "finished", "stopped", "failed"):
        assert "Epochs" in look(run).draw([bar(state=state)], {}, 80)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": ["deskription"]},
        {"theme": "tipy"},
        {"theme": {"bars": "red"}},
        {"theme": {"bar": "no style at all"}},
    ],
)
def test_wrong_choices_are_refused(wrong):
    with pytest.raises(ConfigError):
        Run("test").service(LookOptions).change(**wrong)


def test_the_permanence_configures_the_run():
    from types import SimpleNamespace

    from tipi_core.progress.settings import settings_of
    from tipi_plugins.progress.permanence import ProgressManager

    run = Run("test")
    ProgressManager(SimpleNamespace(run=run), off=True, theme="ember", refresh=4, columns=["bar"])
    assert (settings_of(run).style, settings_of(run).refresh) == ("off", 4)
    assert run.service(LookOptions).columns == ("bar",)
    with pytest.raises(ConfigError):
        ProgressManager(SimpleNamespace(run=run), refresh=-1)


def test_amounts():
    assert [clock(seconds) for seconds in (0, 59.9, 60, 3600, 90_000)] == [
        "0:00",
        "0:59",
        "1:00",
        "1:00:00",
        "1d 01:00",
    ]
    assert [compact(n) for n in (0.5, 9.996, 999.4, 999.6, 2**70)] == ["0.5", "10.0", "999", "1.00k", "1180592P"]
    assert [metric(v) for v in (float("nan"), float("inf"), 3, 0.1, 1e-9, 123456.7)] == [
        "nan", "inf", "3", "0.1000", "1.0e-09", "1.2e+05",
    ]  # fmt: skip


def test_a_bar_that_waits_becomes_slower():
    """Else a stalled loop would promise to end in no time."""
    from tipi_core.progress.rate import Speed

    speed = Speed(0.3, 0, 0.0)
    speed.sample(10, 1.0)
    assert [round(speed.rate_at(now), 6) for now in (1.0, 1.9, 6.0, 11.0)] == [10, 10, 2, 1]
