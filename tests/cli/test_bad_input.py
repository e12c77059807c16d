"""Bad input: each mistake is one clear message with the right exit code, and nothing was run."""

import json

import pytest

from tipi.records import list_records

TRAIN = """
    from tipi.decorators import pipeline_process

    @pipeline_process
    def train_model(epochs: int = 3, lr: float = 0.1, mode: str = "fast"):
        open("ran", "w").close()
        return {"loss": 1 / epochs}
"""


@pytest.fixture
def project(tipi_project):
    tipi_project.write("train_utils.py", TRAIN)
    tipi_project.write("configs/good.toml", '[processes.training]\ntype = "train_model"\n')
    return tipi_project


def untouched(project):
    return not (project.path / "runs").exists() and not (project.path / "ran").exists()


def test_a_good_pipeline_runs_and_leaves_a_record(project, cli):
    done = cli("run", "good", cwd=project.path)
    assert done.code == 0, done.err
    assert "training" in done.out
    assert "0.3333" in done.out
    (record,) = list_records(project.path / "runs")
    assert record.state == "completed"
    assert record.info["exit_code"] == 0
    assert [row["event"] for row in record.events()] == ["process_started", "process_finished", "run_ended"]
    assert 'type = "train_model"' in record.config


CONFIGS = [
    ('[processes.training]\ntype = "train_modle"', "did you mean 'train_model'?", "1:1|2:1"),
    ('[process.training]\ntype = "train_model"', "did you mean 'processes'?", "1:2"),
    ('[processes.training]\ntype = "train_model"\nparam = {}', "did you mean 'params'?", "3:1"),
    ('[processes.training]\ntype = "train_model"\nparams = { epoch = 3 }', "did you mean 'epochs'?", "3:12"),
    ('[processes.training]\ntype = "train_model"\nparams = { epochs = "x" }', "wants int, not 'x'", "3:12"),
    ('[processes.training]\ntype = "train_model"\nparams = { epochs = true }', "wants int, not True", "3:12"),
    ('[processes.training]\ntype = "needy"', "missing parameter 'data' of needy", "1:12"),
    ('[processes.training\ntype = "train_model"', "not TOML", "1:20"),
    (
        '[permanences.a]\ntype = "A"\n[permanences.b]\ntype = "B"\n[processes.x]\ntype = "train_model"',
        "a -> b -> a",
        "1:14",
    ),
    ('[processes.x]\ntype = "os:system"', 'trust = ["os"]', "2:1"),
    ('[processes.x]\ntype = "train_utils:absent"', "does not import", "2:1"),
    ('[processes.x]\ntype = "A"', "is a permanence", "2:1"),
    ('[processes.x]\ntype = "unmarked"', "without the decorator @pipeline_process", "2:1"),
    ('[processes.x]\ntype = "twice"', "is defined twice", "2:1"),
    ("seed = 3", "nothing to run", "1:1"),
]


@pytest.fixture
def mistakes(project):
    project.write(
        "parts.py",
        """
        from tipi import Permanence, pipeline_process

        class A(Permanence):
            def __init__(self, b): pass

        class B(Permanence):
            def __init__(self, a): pass

        @pipeline_process
        def needy(data): pass

        def unmarked(): pass

        @pipeline_process
        def twice(): pass
        """,
    )
    project.write("more.py", "import tipi\n\n@tipi.pipeline_process\ndef twice(): pass\n")
    return project


@pytest.mark.parametrize(("text", "message", "place"), CONFIGS)
def test_a_mistake_in_the_config(mistakes, cli, text, message, place):
    mistakes.write("configs/bad.toml", text)
    done = cli("run", "bad", cwd=mistakes.path)
    assert done.code == 2, done.err
    assert message in done.err
    assert any(f"configs/bad.toml:{spot}" in done.err for spot in place.split("|"))
    assert done.last_line.startswith("tipi: error[")
    assert "Traceback" not in done.err
    assert untouched(mistakes)
    checked = cli("validate", "bad", cwd=mistakes.path)
    if "absent" not in text:  # an attribute that only the import can miss
        assert (checked.code, checked.last_line) == (2, done.last_line)


def test_all_mistakes_come_at_once(mistakes, cli):
    mistakes.write(
        "configs/bad.toml",
        """
        sed = 3

        [processes.one]
        type = "train_modle"

        [processes.two]
        type = "train_model"
        params = { epoch = 3, lr = "high" }
        """,
    )
    done = cli("run", "bad", cwd=mistakes.path)
    assert done.code == 2
    for message in ("unknown section 'sed'", "train_modle", "unknown parameter 'epoch'", "wants float, not 'high'"):
        assert message in done.err
    assert "4 problems" in done.last_line
    problems = json.loads(cli("validate", "bad", "--json", cwd=mistakes.path).out)["bad"]
    assert [problem["where"] for problem in problems] == [
        f"configs/bad.toml:{p}" for p in ("1:1", "4:1", "8:12", "8:23")
    ]


def test_a_missing_pipeline_names_the_paths_tried_and_near_misses(project, cli):
    done = cli("run", "goood", cwd=project.path)
    assert done.code == 2
    assert "configs/goood/execute_pipeline.toml" in done.err
    assert "configs/goood.toml" in done.err
    assert "did you mean 'good'?" in done.last_line


def test_two_files_for_one_pipeline(project, cli):
    project.write("configs/two/pipeline.toml", "")
    project.write("configs/two/execute_pipeline.toml", "")
    done = cli("run", "two", cwd=project.path)
    assert done.code == 2
    assert "two/pipeline.toml" in done.last_line
    assert "two/execute_pipeline.toml" in done.last_line


@pytest.mark.parametrize("name", ["../x", "a b", "", "x" * 200, "-x", "a\nb"])
def test_names_that_are_none(project, cli, name):
    done = cli("run", "--", name, cwd=project.path)
    assert done.code == 2
    assert done.last_line.startswith("tipi: error[usage]")


def test_trust_is_given_in_the_projects_own_file_only(project, cli):
    project.write("configs/bad.toml", 'trust = ["os"]\n[processes.x]\ntype = "os:getcwd"')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 2
    assert "unknown section 'trust'" in done.err
    project.write("configs/bad.toml", '[processes.x]\ntype = "os:getcwd"')
    project.write("tipi.toml", 'trust = ["os"]')
    assert cli("run", "bad", cwd=project.path).code == 0


def test_an_untrusted_module_is_not_imported(project, cli, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "evil_module.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\ndef go(): pass\n")
    project.write("configs/bad.toml", '[processes.x]\ntype = "evil_module:go"')
    done = cli("run", "bad", cwd=project.path, PYTHONPATH=outside)
    assert done.code == 2
    assert 'trust = ["evil_module"]' in done.last_line
    assert "tipi.toml" in done.last_line
    assert not (tmp_path / "imported").exists()


def test_an_unguarded_script_beside_the_winner_never_runs(project, cli):
    project.write(
        "experiment_v4.py", "from train_utils import train_model\nopen('experiment ran', 'w')\ntrain_model()\n"
    )
    assert cli("run", "good", cwd=project.path).code == 0
    assert not (project.path / "experiment ran").exists()


def test_a_process_that_raises_keeps_its_own_traceback(project, cli):
    project.write(
        "broken.py",
        """
        from tipi import pipeline_process

        def inner():
            raise ZeroDivisionError("by hand")

        @pipeline_process
        def breaks():
            inner()
        """,
    )
    project.write("configs/bad.toml", '[processes.one]\ntype = "train_model"\n[processes.two]\ntype = "breaks"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 1
    assert "broken.py" in done.err
    assert "tipi_core" not in done.err
    assert "pluggy" not in done.err
    assert "in pipeline 'bad', process 'two' (configs/bad.toml:3:12)" in done.err
    assert done.last_line.startswith("tipi: error[user-code]: ZeroDivisionError: by hand")
    (record,) = list_records(project.path / "runs")
    assert (record.state, record.info["exit_code"]) == ("failed", 1)
    assert record.info["error"] == "ZeroDivisionError: by hand"
    assert "tipi_core" in cli("run", "bad", "--debug", cwd=project.path).err


def test_of_an_error_that_a_loaders_worker_passed_on_the_last_line_has_the_cause(project, cli):
    project.write(
        "worker.py",
        """
        from tipi import pipeline_process

        @pipeline_process
        def loads():
            raise OSError(
                "Caught OSError in DataLoader worker process 0.\\nOriginal Traceback (most recent call last):\\n"
                '  File "mine.py", line 3, in read\\nOSError: image cat.png cannot be read\\n'
            )
        """,
    )
    project.write("configs/bad.toml", '[processes.one]\ntype = "loads"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.last_line.startswith("tipi: error[user-code]: OSError: image cat.png cannot be read, in pipeline")
    assert 'File "mine.py", line 3' in done.err


def test_a_module_that_does_not_import_is_the_users_error_and_nothing_ran(project, cli):
    project.write("broken.py", "import tipi\nimport nowhere\n\n@tipi.pipeline_process\ndef breaks(): pass\n")
    project.write("configs/bad.toml", '[processes.two]\ntype = "breaks"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 1
    assert "ModuleNotFoundError: No module named 'nowhere'" in done.last_line
    assert untouched(project)


def test_a_parameter_that_its_constructor_refuses_fails_before_the_first_process_runs(project, cli):
    project.write(
        "late.py",
        """
        from tipi import PipelineProcess

        class Late(PipelineProcess):
            def __init__(self, controller, force=False, k: int = 1):
                super().__init__(controller, force)
                if k < 1:
                    raise ValueError("k is too small")

            def execute(self): pass
        """,
    )
    project.write("configs/bad.toml", '[processes.one]\ntype = "train_model"\n[processes.two]\ntype = "Late"\n')
    done = cli("run", "bad", "two.k=0", cwd=project.path)
    assert done.code == 1
    assert "ValueError: k is too small" in done.last_line
    assert not (project.path / "ran").exists()


def test_records_that_cannot_be_written_end_the_run_before_its_first_step(project, cli):
    done = cli("run", "good", cwd=project.path, TIPI_RUNS="/proc/nowhere")
    assert done.code == 4
    assert done.last_line.startswith("tipi: error[storage]")
    assert not (project.path / "ran").exists()


@pytest.mark.parametrize(("words", "hint"), [(["lst"], "'list'"), (["list", "--jsn"], "'--json'"), (["run"], "NAME")])
def test_a_wrong_command_line(cli, words, hint):
    done = cli(*words)
    assert done.code == 2
    assert hint in done.last_line
    assert done.last_line.startswith("tipi: error[usage]")


def test_a_mistake_in_the_projects_own_file(project, cli):
    project.write("tipi.toml", "trst = []")
    done = cli("list", cwd=project.path)
    assert done.code == 2
    assert "did you mean 'trust'?" in done.last_line


def test_a_module_that_python_has_from_elsewhere_is_named_with_both_paths(project, cli):
    project.write("pluggy.py", "import tipi\n\n@tipi.pipeline_process\ndef shadowed(): pass\n")
    project.write("configs/bad.toml", '[processes.x]\ntype = "shadowed"\n')
    done = cli("run", "bad", cwd=project.path, PYTHONSAFEPATH="1")
    assert done.code == 2
    assert str(project.path / "pluggy.py") in done.err
    assert "pluggy/__init__.py" in done.err


def test_a_process_that_leaves_early_has_not_finished(project, cli):
    project.write("leaves.py", "import sys, tipi\n\n@tipi.pipeline_process\ndef leaves():\n    sys.exit(0)\n")
    project.write("configs/bad.toml", '[processes.x]\ntype = "leaves"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 1
    assert "SystemExit" in done.last_line
    (record,) = list_records(project.path / "runs")
    assert (record.state, record.info["exit_code"]) == ("failed", 1)


@pytest.mark.parametrize(("ending", "code"), [("pass", 4), ("raise ValueError('mine')", 1)])
def test_a_final_state_that_cannot_be_saved_is_exit_4_and_masks_nothing(project, cli, ending, code):
    project.write(
        "loses.py",
        f"""
        import os, shutil, tipi

        @tipi.pipeline_process
        def loses():
            while os.path.exists("runs"):  # facts about the run may still be on their way into it
                shutil.rmtree("runs", ignore_errors=True)
            {ending}
        """,
    )
    project.write("configs/bad.toml", '[processes.x]\ntype = "loses"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == code
    assert done.last_line.startswith(
        "tipi: error[storage]" if code == 4 else "tipi: error[user-code]: ValueError: mine"
    )


@pytest.mark.parametrize("target", ["tipi.testing:os.system", "tipi.testing:Callable"])
def test_an_import_string_never_leads_out_of_trusted_code(project, cli, target):
    project.write("configs/bad.toml", f'[processes.x]\ntype = "{target}"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 2, done.err
    assert done.last_line.startswith("tipi: error[trust]")
    assert "not trusted" in done.last_line
    assert untouched(project)


def test_an_empty_folder_does_not_make_a_foreign_package_the_projects_own(project, cli):
    (project.path / "this").mkdir()
    project.write("configs/bad.toml", '[processes.x]\ntype = "this:c"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 2
    assert 'trust = ["this"]' in done.last_line


def test_a_class_of_another_kind_does_not_take_a_plugins_name(project, cli):
    project.write("models.py", "import torch\n\nclass Device(torch.nn.Module):\n    pass\n")
    project.write(
        "configs/good2.toml", '[permanences.device]\ntype = "Device"\n[processes.training]\ntype = "train_model"\n'
    )
    shown = json.loads(cli("inspect", "good2", "--json", cwd=project.path).out)
    assert shown["components"][0]["owner"] == "builtin"


@pytest.mark.parametrize("value", ["3", "true", "{ a = 1 }"])
def test_extends_that_names_no_file(project, cli, value):
    project.write("configs/bad.toml", f'extends = {value}\n[processes.x]\ntype = "train_model"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 2
    assert "extends wants a file name" in done.last_line


def test_rows_that_a_full_disk_swallowed_are_exit_4(project, cli):
    project.write(
        "fills.py",
        """
        import resource, signal
        from tipi import pipeline_process
        from tipi.helpers import logger

        @pipeline_process
        def fills():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))
            for step in range(2000):
                logger.log({"step": step})
        """,
    )
    project.write("configs/bad.toml", '[processes.x]\ntype = "fills"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 4, done.err
    assert "rows of metrics could not be written" in done.last_line
    (record,) = list_records(project.path / "runs")
    assert (record.state, record.info["exit_code"]) == ("failed", 4)
    assert record.info["rows_lost"] > 0


def test_an_error_at_the_top_of_the_users_module_keeps_its_traceback(project, cli):
    project.write("broken.py", "import math, tipi\n\nmath.nope\n\n@tipi.pipeline_process\ndef breaks(): pass\n")
    project.write("configs/bad.toml", '[processes.x]\ntype = "breaks"\n')
    done = cli("run", "bad", cwd=project.path)
    assert done.code == 1
    assert "broken.py" in done.err
    assert "AttributeError: module 'math' has no attribute 'nope'" in done.last_line
    assert untouched(project)


def test_no_print_of_a_script_is_lost_while_plugins_load(tmp_path, python):
    (tmp_path / "prints.py").write_text(
        "from tipi.helpers import logger\nlogger.init(project='x')\n"
        "for step in range(30_000):\n    print(step)\n    if step % 3000 == 0: logger.log({'step': step})\n"
    )
    done = python("prints.py")
    assert done.code == 0, done.err
    assert done.out.split() == [str(step) for step in range(30_000)]
