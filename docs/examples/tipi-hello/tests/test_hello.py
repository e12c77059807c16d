"""The plugin in a project, as its users see it."""

import pytest
from click.testing import CliRunner
from tipi_hello.command import hello

from tipi.errors import ConfigError
from tipi.records import read_record

CONFIG = """
    [permanences.phrasebook]
    type = "Phrasebook"
    params = { language = "fr" }

    [processes.greeting]
    type = "GreetingProcess"
    params = { names = ["Ada", "Alan"] }
"""


@pytest.fixture(autouse=True)
def _project(tipi_project):
    tipi_project.write("configs/hello.toml", CONFIG)


def test_a_pipeline_greets_everybody(tipi_run):
    result = tipi_run("hello")
    assert result["greeting"] == {"greetings": ["Bonjour Ada", "Bonjour Alan"], "letters": 23}
    assert [row["values"] for row in read_record(result.path).metrics()] == [{"letters": 11}, {"letters": 12}]


def test_nobody_to_greet_is_skipped(tipi_run):
    result = tipi_run("hello", "greeting.names=[]")
    assert result.outcomes["greeting"].reason == "nobody to greet"


def test_an_unknown_language_stops_the_run_before_it_starts(tipi_run):
    with pytest.raises(ConfigError, match="did you mean 'fr'"):
        tipi_run("hello", "phrasebook.language=frr")


def test_the_command():
    done = CliRunner().invoke(hello, ["Ada", "--language", "de"])
    assert (done.exit_code, done.output) == (0, "Guten Tag Ada\n")
