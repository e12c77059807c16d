"""The fixtures of ``tipi.testing``, as the author of a plugin meets them: nothing imported, nothing configured."""

import pytest


@pytest.fixture
def outcome(pytester, monkeypatch):
    """Run one test file in a pytest of its own."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(source, *arguments):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", *arguments)

    return run


def test_a_project_and_a_run(outcome):
    result = outcome(
        """
        import os, sys
        import pytest

        CONFIG = '''
            seed = 1

            [processes.go]
            type = "go"
            params = { number = 2 }
        '''

        PARTS = '''
            from tipi import pipeline_process

            @pipeline_process
            def go(number: int):
                return number * FACTOR

            FACTOR = %d
        '''

        @pytest.mark.parametrize("factor", [3, 5])
        def test_go(tipi_project, tipi_run, factor):
            tipi_project.write("configs/go.toml", CONFIG)
            tipi_project.write("src/steps/parts.py", PARTS % factor)
            here = os.getcwd()
            assert tipi_run("go")["go"] == 2 * factor
            assert tipi_run("go", "go.number=7").outcomes["go"].value == 7 * factor
            assert tipi_run("go").path.is_relative_to(tipi_project.path)
            assert os.getcwd() == here

        def test_nothing_stays_behind():
            assert not [name for name in sys.modules if name.rpartition(".")[2] == "parts" and "tipi" not in name]
            assert not [place for place in sys.path if place.endswith(("/project", "/src"))]
        """
    )
    result.assert_outcomes(passed=3)


def test_types_by_hand_and_exceptions_as_they_are(outcome):
    result = outcome(
        """
        import pytest
        from tipi import PipelineProcess
        from tipi.errors import ConfigError

        class Failing(PipelineProcess):
            def execute(self):
                raise ArithmeticError("mine")

        def test_types(tipi_project, tipi_run):
            tipi_project.write("configs/it.toml", "[processes.it]\\ntype = 'Failing'\\n")
            with pytest.raises(ArithmeticError, match="mine"):
                tipi_run("it", types={"Failing": Failing})
            with pytest.raises(ConfigError, match="unknown process type 'Failing'"):
                tipi_run("it")

        def test_skip_and_force(tipi_project, tipi_run):
            class Idle(PipelineProcess):
                def skip(self):
                    return "done before"

                def execute(self):
                    return "done again"

            tipi_project.write("configs/it.toml", "[processes.it]\\ntype = 'Idle'\\n")
            assert tipi_run("it", types={"Idle": Idle}).outcomes["it"].reason == "done before"
            assert tipi_run("it", types={"Idle": Idle}, force=True)["it"] == "done again"
        """
    )
    result.assert_outcomes(passed=2)


def test_write_takes_off_indentation_and_makes_folders(outcome):
    result = outcome(
        """
        def test_write(tipi_project):
            file = tipi_project.write("a/b/c.toml", '''
                [x]
                  y = 1
            ''')
            assert file == tipi_project.path / "a" / "b" / "c.toml"
            assert file.read_text() == "[x]\\n  y = 1\\n"
            assert (tipi_project.path / "configs").is_dir()
        """
    )
    result.assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_their_help(outcome):
    result = outcome("def test_nothing(): pass", "--fixtures")
    result.stdout.fnmatch_lines(["*fixtures defined from tipi.testing*", "tipi_project *", "tipi_run *"])


def test_the_pytest_plugin_imports_nothing_heavy(outcome):
    result = outcome(
        """
        import sys

        def test_light(tipi_project, pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("tipi")
            heavy = ("torch", "numpy", "rich", "wandb", "msgspec", "tomlkit", "click", "tipi_core", "tipi_plugins")
            assert [name for name in sys.modules if name.partition(".")[0] in heavy] == []
        """
    )
    result.assert_outcomes(passed=1)
