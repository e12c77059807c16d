"""Every command on a terminal and in a pipe: what it prints, how wide, with which colours."""

import json
import re

import pytest

from tests.cli.screens import FOLDER, SCREENS, WIDTHS, draw, draw_help, pipe, show, write_project

REFRESH = "run: python -m tests.cli.screens"
ANSI = re.compile(r"\x1b\[")
# Commands whose words differ from machine to machine; what can be held is their shape.
OTHERS = {
    "plugins": ("plugins",),
    "info": ("info",),
    "doctor": ("doctor",),
    "devices": ("devices",),
    "schema": ("schema",),
    "completion": ("completion", "zsh"),
    "version": ("--version",),
    "runs": ("runs", "list"),
}
TABLES = ["list", "types", "why", "plan", "plugins", "doctor"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("screens")
    write_project(folder)
    return folder


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_as_it_was_read_last(project, name):
    assert draw(name, project) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), REFRESH


def test_the_help_of_every_command_is_as_it_was_read_last():
    assert draw_help() == (FOLDER / "help.txt").read_text(encoding="utf-8"), REFRESH


@pytest.mark.parametrize("name", OTHERS)
def test_a_command_ends_the_same_on_a_terminal_and_in_a_pipe(project, name):
    code, lines = show(OTHERS[name], project, 100, TIPI_PLUGINS="cpu,progress")
    piped, out, err = pipe(OTHERS[name], project, TIPI_PLUGINS="cpu,progress")
    assert code == piped == 0, err
    assert not ANSI.search(out + err)
    assert {word for line in lines for word in line.plain.split() if word.isalpha()} & set((out + err).split())


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("columns", WIDTHS)
def test_a_table_is_as_wide_as_the_terminal_at_most(project, name, columns):
    _, lines = show(SCREENS.get(name) or OTHERS[name], project, columns, TIPI_PLUGINS="cpu,progress")
    head = next(line.plain for line in lines if line.plain.strip())
    assert max(len(line.plain) for line in lines) <= columns
    assert head == head.strip()


def colours(lines):
    return {span.style for line in lines for span in line.spans if span.style.color or span.style.bold}


@pytest.mark.parametrize("name", ["list", "inspect", "validate"])
def test_colours_come_on_a_terminal_and_go_where_they_are_not_wanted(project, name):
    assert colours(show(SCREENS[name], project, 100)[1])
    assert not colours(show(SCREENS[name], project, 100, NO_COLOR="1")[1])
    assert not colours(show([*SCREENS[name], "--color", "never"], project, 100)[1])
    assert not ANSI.search("".join(pipe(SCREENS[name], project)[1:]))
    assert ANSI.search("".join(pipe(["--color=always", *SCREENS[name]], project)[1:]))


def test_colours_can_be_forced_into_a_pipe_for_answers_and_for_errors(project):
    assert ANSI.search(pipe(["list"], project, FORCE_COLOR="1")[1])
    assert ANSI.search(pipe(SCREENS["validate"], project, FORCE_COLOR="1")[2])
    for words, variables in (([], {"NO_COLOR": "1"}), (["--color", "never"], {}), ([], {"FORCE_COLOR": ""})):
        code, out, err = pipe([*SCREENS["validate"], *words], project, **{"FORCE_COLOR": "1", **variables})
        assert code == 2
        assert not ANSI.search(out + err)
    assert json.loads(pipe(["list", "--json"], project, FORCE_COLOR="1")[1])


def test_what_does_not_fit_beside_its_row_stands_below_it(project):
    shown = [line.plain for line in show(("types",), project, 60, TIPI_PLUGINS="builtin")[1]]
    place = next(number for number, line in enumerate(shown) if "TrainingProcess" in line)
    assert shown[0].split() == ["kind", "name", "owner"]
    assert shown[place + 1].startswith("  where       ")
    assert any(line.startswith("  parameters  epochs, learning_rate") for line in shown[place:])


@pytest.mark.parametrize("words", [["why", "lin", "seed"], ["runs", "show", "none"], ["types", "--project", "none"]])
def test_debug_behind_any_command_shows_the_traceback_above_the_message(project, words):
    code, _, err = pipe(words, project)
    assert "Traceback" not in err
    for shown in (pipe([*words, "--debug"], project), pipe(["--debug", *words], project)):
        assert shown[0] == code == 2
        assert shown[2].startswith("Traceback (most recent call last):")
        assert shown[2].endswith(err)


def test_a_wrong_colour_is_refused_with_the_nearest(project):
    code, _, err = pipe(["list", "--color", "nevr"], project)
    assert (code, err) == (2, "tipi: error[usage]: --color nevr: no such choice, did you mean 'never'?\n")


def test_a_script_keeps_its_own_color_option(project):
    (project / "own.py").write_text("import sys\nprint(sys.argv[1:])\n")
    assert "['--color', 'pink']" in pipe(["run", "own.py", "--", "--color", "pink"], project)[1]


@pytest.mark.parametrize("columns", [60, 100])
def test_a_long_line_is_cut_around_its_caret(tmp_path, columns):
    write_project(tmp_path)
    params = f'optimizer = "{"a" * 3000}", epochs = "x", rate = "{"b" * 3000}"'
    text = f'[processes.a]\ntype = "Fitting"\nparams = {{ {params} }}\n'
    (tmp_path / "configs" / "long.toml").write_text(text)
    on_terminal = [line.plain for line in show(("validate", "long"), tmp_path, columns)[1]]
    piped = pipe(("validate", "long"), tmp_path)[2].splitlines()
    for lines, widest in ((on_terminal, columns), (piped, 164)):
        carets = [number for number, line in enumerate(lines) if line.strip() == "^"]
        shown = [lines[number - 1][lines[number].index("^") :] for number in carets]
        assert [part.partition(" ")[0] for part in shown] == ["optimizer", "epochs", "rate"]
        assert max(len(lines[number - 1]) for number in carets) <= widest
        assert max(map(len, lines)) <= 240
