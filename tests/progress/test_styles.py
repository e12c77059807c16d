"""Bars on terminals that want less: tqdm's text, no colours, no control codes, no unicode, nothing at all."""

import pytest

from tests.progress.test_terminal import NESTED, starts


def test_tqdms_text_where_it_is_asked_for(terminal):
    seen = terminal(
        """
for i in progress_bar(range(4), desc="A", bar_format="{desc}:{n}/{total}|{bar:8}|", ascii=True):
    if i == 2: shot()
"""
    )
    assert seen.shots[0] == ["A:2/4|####    |"]
    assert seen.lines == ["A:4/4|########|"]


def test_no_color(terminal):
    seen = terminal(NESTED, NO_COLOR="1")
    assert b"m" not in b"".join(piece[:12].partition(b"m")[1] for piece in seen.raw.split(b"\x1b[3")[1:])
    assert b"\x1b[1m" not in seen.raw
    assert starts(seen.lines, "Training", "Training", "Epochs")


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TIPI_PROGRESS": "plain"}])
def test_plain_style_on_a_terminal_has_no_control_codes(terminal, environment):
    seen = terminal(NESTED, **environment)
    assert b"\x1b[" not in seen.raw.replace(b"\x1b]0;", b"")
    assert [line.split(":")[0] for line in seen.lines] == ["Training", "Training", "Epochs"]


def test_bars_can_be_off(terminal):
    assert terminal(NESTED, TIPI_PROGRESS="off").lines == []


def test_an_ascii_terminal(terminal):
    seen = terminal(NESTED, PYTHONIOENCODING="ascii")
    assert seen.code == 0
    assert seen.text.isascii()
    assert seen.lines[-1].startswith("+ Epochs")
