"""``tipi run train.py``: a script without any tipi in it, and one with, under a record."""

import json

import pytest

from tipi.records import list_records


@pytest.fixture
def train(tmp_path, cli):
    """Run a script by ``tipi run``; return what it did and its record."""

    def run(text, *words, **environment):
        (tmp_path / "train.py").write_text(text)
        done = cli("run", "train.py", *words, TIPI_PLUGINS="", **environment)
        records = list_records(tmp_path / "runs")
        return done, records[0] if records else None

    return run


def test_an_unchanged_script_gets_a_record_of_what_it_printed_and_how_it_ended(train):
    done, record = train(
        "import sys\nprint('arguments', sys.argv[1:])\nprint('careful', file=sys.stderr)\n"
        "if __name__ == '__main__':\n    print('last', end='')\n",
        "--", "--lr", "0.1",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out == "arguments ['--lr', '0.1']\nlast"
    assert (record.state, record.info["exit_code"]) == ("completed", 0)
    assert record.info["command"][-3:] == ["--", "--lr", "0.1"]
    assert (record.path / "log.txt").read_text().splitlines() == ["arguments ['--lr', '0.1']", "careful", "last"]
    assert list(record.metrics()) == []


def test_what_the_script_logs_goes_into_the_same_record(train, tmp_path):
    done, record = train(
        "from tipi.helpers import logger, progress_bar\nlogger.init(config={'lr': 0.1})\n"
        "for _ in progress_bar(range(3), desc='Epochs'):\n    logger.log({'loss': 1.0})\n"
    )
    assert done.code == 0, done.err
    assert len(list_records(tmp_path / "runs")) == 1
    assert [row["loop"] for row in record.metrics()] == [[["Epochs", number]] for number in range(3)]
    assert record.info["config"] == {"lr": 0.1}
    assert any(line.startswith("tipi: loss") for line in (record.path / "log.txt").read_text().splitlines())


def test_a_script_that_raises_shows_its_own_frames_and_exits_1(train):
    done, record = train("def step():\n    raise ValueError('too steep')\nstep()\n")
    assert done.code == 1
    assert done.err.rstrip().endswith("ValueError: too steep")
    assert "runpy" not in done.err
    assert (record.state, record.info["exit_code"], record.info["error"]) == ("failed", 1, "ValueError: too steep")


@pytest.mark.parametrize(("text", "code", "state"), [("3", 3, "failed"), ("", 0, "completed"), ("'no'", 1, "failed")])
def test_the_exit_code_is_the_scripts(train, text, code, state):
    done, record = train(f"import sys\nsys.exit({text})\n")
    assert (done.code, record.state, record.info["exit_code"]) == (code, state, code)


def test_finish_in_the_script_ends_its_part_and_nothing_breaks(train):
    done, record = train(
        "from tipi.helpers import logger\nlogger.log({'a': 1})\nlogger.finish()\nprint('after')\n",
    )
    assert done.code == 0, done.err
    assert record.state == "completed"
    assert done.out == "after\n"


def test_modules_beside_the_script_are_found_from_anywhere(tmp_path, cli):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "parts.py").write_text("answer = 42\n")
    (tmp_path / "code" / "train.py").write_text("import parts\nprint(parts.answer)\n")
    done = cli("run", "code/train.py", TIPI_PLUGINS="")
    assert done.out == "42\n", done.err


def test_a_script_that_is_not_there_is_bad_input(cli, tmp_path):
    done = cli("run", "train.py")
    assert done.code == 2
    assert "no script 'train.py'" in done.last_line
    assert not (tmp_path / "runs").exists()


def test_without_a_place_for_the_record_the_script_does_not_run(cli, tmp_path):
    (tmp_path / "train.py").write_text("print('ran')\n")
    (tmp_path / "runs").write_text("a file")
    done = cli("run", "train.py")
    assert done.code == 4
    assert done.out == ""


def test_a_bar_leaves_its_last_state_in_the_log(train):
    _, record = train("import sys\nfor n in range(3):\n    sys.stderr.write(f'\\r{n} of 2')\nsys.stderr.write('\\n')\n")
    assert (record.path / "log.txt").read_text() == "2 of 2\n"
    assert json.loads((record.path / "run.json").read_text())["script"] == "train.py"
