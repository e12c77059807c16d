"""Running pipelines from programs: what processes see, what comes back, and what is left behind."""

import json
import os
import random
import signal
import sys
import threading
from pathlib import Path

import pytest

from tipi import PipelineRunner
from tipi.errors import ConfigError, ConfigProblems, UsageError
from tipi.plugin import hookimpl
from tipi.records import list_records, read_record
from tipi_core.plugins import PluginHost
from tipi_core.run import active_run

PARTS = """
    from tipi import Permanence, PipelineProcess, pipeline_process

    class Box(Permanence):
        def __init__(self, device, size: int = 1):
            self.device, self.size = device, size

    class UsesBox(PipelineProcess):
        def execute(self):
            box = self.controller.get_permanence("box", kind=Box)
            return {"size": box.size, "device": box.device}

    @pipeline_process
    def numbers(count: int = 3):
        return list(range(count))

    @pipeline_process
    def total(numbers, box, scale: float = 1):
        return sum(numbers) * scale * box.size

    def a_device():
        return "a device"

    def a_resource():
        open("opened", "w").close()
        yield "a resource"
        open("closed", "w").close()
"""

CONFIG = """
    [permanences.box]
    type = "Box"
    params = { size = 2 }

    [permanences.device]
    type = "parts:a_device"

    [processes.numbers]
    type = "numbers"

    [processes.total]
    type = "total"
    params = { scale = 10 }

    [processes.last]
    type = "UsesBox"
"""


@pytest.fixture
def project(tipi_project):
    tipi_project.write("parts.py", PARTS)
    tipi_project.write("configs/all.toml", CONFIG)
    return tipi_project


def test_permanences_and_results_reach_processes_by_name(project, tipi_run):
    result = tipi_run("all", "numbers.count=4")
    assert result["numbers"] == [0, 1, 2, 3]
    assert result["total"] == 120.0
    assert result["last"] == {"size": 2, "device": "a device"}
    assert list(result.outcomes) == ["numbers", "total", "last"]
    assert read_record(result.path).state == "completed"


def test_overrides_as_a_mapping_keep_their_types(project):
    result = PipelineRunner("all", overrides={"numbers.count": 2, "box.size": 5}, project=project.path).run()
    assert result["total"] == 50.0


def test_types_registered_by_hand_win(project, tipi_run):
    assert tipi_run("all", types={"numbers": lambda: [7]})["total"] == 140.0


def test_a_generator_is_closed_when_the_run_ends(project, tipi_run, monkeypatch):
    monkeypatch.chdir(project.path)
    project.write(
        "configs/held.toml", '[permanences.box]\ntype = "parts:a_resource"\n[processes.n]\ntype = "parts:probe"\n'
    )
    with (project.path / "parts.py").open("a") as file:
        file.write("\nimport os\n\n@pipeline_process\ndef probe(box):\n    return box, os.path.exists('closed')\n")
    assert tipi_run("held")["n"] == ("a resource", False)
    assert Path("closed").exists()


def test_nothing_is_left_behind_in_the_process(project, tipi_run):
    before = (list(sys.path), os.getcwd(), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    threads = set(threading.enumerate())
    tipi_run("all")
    assert (list(sys.path), os.getcwd(), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert active_run() is None or active_run().kind == "script"
    assert not [thread for thread in set(threading.enumerate()) - threads if thread.name == "tipi-metrics"]


def test_from_a_thread(project, tipi_run):
    results = []
    thread = threading.Thread(target=lambda: results.append(tipi_run("all")["numbers"]))
    thread.start()
    thread.join()
    assert results == [[0, 1, 2]]


def test_two_threads_run_side_by_side_and_each_logs_to_its_own_record(project, tipi_run):
    project.write(
        "logs.py",
        """
        from tipi import pipeline_process
        from tipi.helpers import logger

        @pipeline_process
        def logs(value: int = 0):
            for _ in range(50):
                logger.log({"value": value})
        """,
    )
    project.write("configs/logs.toml", '[processes.logs]\ntype = "logs"\n')
    results = {}
    threads = [
        threading.Thread(target=lambda value=value: results.update({value: tipi_run("logs", f"logs.value={value}")}))
        for value in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for value, result in results.items():
        rows = list(read_record(result.path).metrics())
        assert [row["step"] for row in rows] == list(range(50))
        assert {row["values"]["value"] for row in rows} == {value}


def test_two_threads_that_share_a_host_run_side_by_side(project, tipi_run):
    project.write("configs/met.toml", '[permanences.watch]\ntype = "Watch"\n\n[processes.meet]\ntype = "meet"\n')
    both, seen = threading.Barrier(2, timeout=60), []

    class Watch:
        @hookimpl(wrapper=True)
        def tipi_execute_process(self, process):
            seen.append((id(self), process.name))
            return (yield)

    def meet(watch):
        both.wait()
        return id(watch)

    host, results = PluginHost.load(only=[]), []
    threads = [
        threading.Thread(
            target=lambda: results.append(tipi_run("met", types={"Watch": Watch, "meet": meet}, host=host)["meet"])
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 2
    assert sorted(seen) == sorted((watch, "meet") for watch in results)  # each permanence saw its own run only


def test_from_python_c(project, python):
    done = python(
        "-c", "from tipi import PipelineRunner\nprint(PipelineRunner('all').run()['total'])", cwd=project.path
    )
    assert (done.code, done.out) == (0, "60.0\n"), done.err


def test_from_a_notebook(project):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = ["from tipi import PipelineRunner\nresult = PipelineRunner('all').run()\nprint(result['total'])"] * 2
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(project.path)}}
    )
    client.execute()
    for cell in notebook.cells:
        printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        assert printed == "60.0\n"


def test_the_users_exception_keeps_its_type_and_gets_a_note(project, tipi_run):
    project.write("configs/bad.toml", '[processes.total]\ntype = "total"\n')
    with pytest.raises(ConfigProblems, match="2 problems"):
        tipi_run("bad")
    project.write("raises.py", "import tipi\n\n@tipi.pipeline_process\ndef raises():\n    raise OSError(5, 'mine')\n")
    project.write("configs/bad.toml", '[processes.it]\ntype = "raises"\n')
    with pytest.raises(OSError, match="mine") as caught:
        tipi_run("bad")
    assert "process 'it'" in caught.value.__notes__[0]
    assert "bad.toml:1:12" in caught.value.__notes__[0]


def test_asking_for_what_is_not_there_names_near_misses(project, tipi_run):
    project.write(
        "asks.py",
        """
        from tipi import PipelineProcess

        class Asks(PipelineProcess):
            def __init__(self, controller, force=False, what: str = ""):
                super().__init__(controller, force)
                self.what = what

            def execute(self):
                return eval(self.what, {"c": self.controller})
        """,
    )
    project.write("configs/asks.toml", '[permanences.device]\ntype = "parts:a_device"\n[processes.x]\ntype = "Asks"\n')
    with pytest.raises(LookupError, match="no permanence 'devise': did you mean 'device'"):
        tipi_run("asks", "x.what=c.get_permanence('devise')")
    with pytest.raises(TypeError, match="permanence 'device' is a str, not a int"):
        tipi_run("asks", "x.what=c.get_permanence('device', kind=int)")
    with pytest.raises(LookupError, match="no process has finished yet"):
        tipi_run("asks", "x.what=c.get_result('y')")


def test_a_process_is_skipped_with_its_reason_unless_forced(project, tipi_run, cli):
    project.write(
        "lazy.py",
        """
        from tipi import PipelineProcess

        class Lazy(PipelineProcess):
            def skip(self):
                return "done before"

            def execute(self):
                return self.force
        """,
    )
    project.write("configs/lazy.toml", '[processes.lazy]\ntype = "Lazy"\n')
    outcome = tipi_run("lazy").outcomes["lazy"]
    assert (outcome.skipped, outcome.reason, outcome.value) == (True, "done before", None)
    assert tipi_run("lazy", force=True)["lazy"] is True
    assert tipi_run("lazy", force=["lazy"])["lazy"] is True
    assert tipi_run("lazy", "processes.lazy.force=true")["lazy"] is True
    done = cli("run", "lazy", cwd=project.path)
    assert "skipped: done before" in done.out
    assert "done before" not in cli("run", "lazy", "--force", cwd=project.path).out


def test_a_seed_gives_the_same_random_numbers(project, tipi_run):
    types = {"numbers": lambda: [random.random() for _ in range(3)]}
    first, second, other = (tipi_run("all", f"seed={seed}", types=types)["numbers"] for seed in (1, 1, 2))
    assert first == second != other


def test_the_projects_own_type_wins_over_a_plugins(project, cli):
    project.write(
        "processes/training.py",
        """
        from tipi import PipelineProcess

        class TrainingProcess(PipelineProcess):
            def execute(self):
                return {"mine": 1}
        """,
    )
    project.write("configs/mine.toml", '[processes.training]\ntype = "TrainingProcess"\n')
    shown = json.loads(cli("inspect", "mine", "--json", cwd=project.path).out)
    assert shown["components"][0]["owner"] == "project"
    assert "mine" in cli("run", "mine", cwd=project.path).out


def test_what_is_not_the_projects_own_source_is_not_searched(project, tipi_run):
    text = "import tipi\n\n@tipi.pipeline_process\ndef numbers(): return ['wrong']\n"
    for place in (".hidden", "runs", "env", "site-packages", "venv2", "nested"):
        project.write(f"{place}/numbers.py", text)
    project.write("venv2/pyvenv.cfg", "")
    project.write("nested/tipi.toml", "")
    assert tipi_run("all")["numbers"] == [0, 1, 2]


def test_a_file_that_does_not_parse_is_named_when_a_type_is_missing(project, tipi_run):
    project.write("wrong.py", "import tipi\n\n@tipi.pipeline_process\ndef broken(:\n")
    project.write("configs/bad.toml", '[processes.x]\ntype = "broken"\n')
    with pytest.raises(ConfigError) as caught:
        tipi_run("bad")
    assert "wrong.py" in caught.value.report()


def test_a_src_layout(tipi_project, tipi_run):
    tipi_project.write("src/pack/__init__.py", "")
    tipi_project.write(
        "src/pack/work.py", "from tipi import pipeline_process\n\n@pipeline_process\ndef go(): return 1\n"
    )
    tipi_project.write("configs/go.toml", '[processes.a]\ntype = "go"\n[processes.b]\ntype = "pack.work:go"\n')
    result = tipi_run("go")
    assert (result["a"], result["b"]) == (1, 1)


def test_aliases_star_imports_and_indirect_subclasses_are_found(tipi_project, tipi_run):
    tipi_project.write(
        "base.py", "from tipi import PipelineProcess as PP\n\nclass Base(PP):\n    def execute(self): return 1\n"
    )
    tipi_project.write("middle.py", "from base import *\n")
    tipi_project.write("deep/__init__.py", "")
    tipi_project.write("deep/leaf.py", "import middle\n\nclass Leaf(middle.Base):\n    pass\n")
    tipi_project.write("deep/other.py", "from .leaf import Leaf as L\n\nif True:\n    class Twig(L): pass\n")
    tipi_project.write("configs/go.toml", '[processes.a]\ntype = "Leaf"\n[processes.b]\ntype = "Twig"\n')
    result = tipi_run("go")
    assert (result["a"], result["b"]) == (1, 1)


def test_list_inspect_and_validate_leave_a_script_level_logger_inert(project, cli):
    project.write(
        "logged.py",
        "from tipi.helpers import logger\nfrom tipi import pipeline_process\n\nlogger.init(project='x')\n\n"
        "@pipeline_process\ndef logged():\n    logger.log({'a': 1})\n",
    )
    project.write("configs/logged.toml", '[processes.x]\ntype = "logged"\n')
    for command in (["list"], ["inspect", "logged"], ["validate", "logged"]):
        assert cli(*command, cwd=project.path).code == 0
        assert not (project.path / "runs").exists()
    assert cli("run", "logged", cwd=project.path).code == 0
    (record,) = list_records(project.path / "runs")
    assert record.info["name"] == "logged"
    assert [row["values"] for row in record.metrics()] == [{"a": 1}]


def test_a_path_in_place_of_a_name(tipi_project, cli, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "work.py").write_text("import tipi\n\n@tipi.pipeline_process\ndef go(): return {'a': 1}\n")
    (folder / "try.toml").write_text('[processes.go]\ntype = "go"\n')
    assert cli("run", "elsewhere/try.toml", cwd=tmp_path).code == 0
    assert cli("run", "./try.toml", cwd=folder).code == 0


def test_config_replaces_the_file_and_is_tried_in_three_places(project, cli):
    for name in ("here.toml", "configs/all/beside.toml", "configs/shared.toml"):
        project.write(name, '[processes.numbers]\ntype = "numbers"\nparams = { count = 1 }\n')
        done = cli("run", "all", "--config", Path(name).name, cwd=project.path)
        assert done.code == 0, done.err
        assert "total" not in done.out
    missing = cli("run", "all", "--config", "nowhere.toml", cwd=project.path)
    assert missing.code == 2
    assert "configs/all/nowhere.toml" in missing.last_line


def test_an_unknown_pipeline_in_a_program_is_a_usage_error(tipi_project, tipi_run):
    with pytest.raises(UsageError, match="no pipeline 'nothing'"):
        tipi_run("nothing")
