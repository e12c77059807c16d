"""The plugins that the host is tried with: one that works, and one for each thing that can be wrong."""

from tests.plugins.installing import write_plugin

HOOKIMPL = "from tipi.plugin import hookimpl\n"

GOOD = """
from tipi.plugin import hookimpl

@hookimpl
def tipi_register(registry):
    registry.process("Double", "tipi_good_parts:double")
"""

GOOD_PARTS = """
from tipi.plugin import pipeline_process

@pipeline_process
def double(number: int):
    return {"doubled": 2 * number}
"""

DEEP_PARTS = """
import absent_library

def deep():
    pass
"""

# What cannot be loaded, or not wholly: name -> (source, more modules)
BROKEN = {
    "missing": ("import absent_library\n", {}),
    "raising": ('def check():\n    raise RuntimeError("broken\\nat import")\n\ncheck()\n', {}),
    "quitting": ("import sys\n\nsys.exit(3)\n", {}),
    "printing": ('print("hello from the import")\n' + HOOKIMPL, {}),
    "misspelt": (HOOKIMPL + "\n@hookimpl\ndef tipi_regsiter(registry):\n    pass\n", {}),
    "arguments": (HOOKIMPL + "\n@hookimpl\ndef tipi_log(run, rows):\n    raise SystemExit('called')\n", {}),
    "unmarked": ("def tipi_log(run, records):\n    raise SystemExit('called')\n", {}),
    "wrapping": (HOOKIMPL + "\n@hookimpl(wrapper=True)\ndef tipi_log():\n    return (yield)\n", {}),
    "demanding": ('REQUIRES = ["absent_library"]\n', {}),
    "naming": (HOOKIMPL + "\n@hookimpl\ndef tipi_register(registry):\n    registry.process(None, 'a:b')\n", {}),
    "incomplete": (
        HOOKIMPL
        + """
REQUIRES = {"absent_library": "pip install 'tipi-incomplete[deep]'"}

@hookimpl
def tipi_register(registry):
    registry.process("Deep", "tipi_incomplete_parts:deep")
""",
        {"tipi_incomplete_parts": DEEP_PARTS},
    ),
}

TWIN = """
from tipi.plugin import hookimpl

@hookimpl
def tipi_register(registry):
    registry.process("Twin", "tipi_twin_{number}:run")

def run():
    return {{"twin": "{number}"}}
"""

# What loads, and then gets in the way
MEDDLING = {
    "twin_one": TWIN.format(number="one"),
    "twin_two": TWIN.format(number="two"),
    "observer": """
from tipi.plugin import hookimpl

@hookimpl
def tipi_log(run, records):
    with open(run.root / "batches", "a") as file:
        file.write("one\\n")
    raise RuntimeError("no room to observe")
""",
    "quitter": """
from tipi.plugin import hookimpl

@hookimpl
def tipi_run_started():
    raise SystemExit(7)
""",
    "wrapper": """
from tipi.plugin import hookimpl

@hookimpl(wrapper=True)
def tipi_execute_process(process):
    outcome = yield
    raise RuntimeError("the wrapper broke")
""",
    "leaver": """
from tipi.plugin import hookimpl

@hookimpl
def tipi_execute_process(process):
    raise SystemExit(0)
""",
    "answering": """
from tipi.plugin import hookimpl

@hookimpl
def tipi_execute_process(process):
    return {"loss": 1.0}

@hookimpl
def tipi_list_devices():
    return "cpu"

@hookimpl
def tipi_start_tracker(run, settings):
    return "online"
""",
    "provider": """
from tipi.plugin import Outcome, hookimpl

@hookimpl
def tipi_execute_process(process):
    return Outcome({"by": "provider", "value": process.instance.execute()}, 0.0)

@hookimpl
def tipi_create_permanence(controller, spec):
    return controller.create(spec)
""",
    "absent": HOOKIMPL
    + """
@hookimpl
def tipi_register(registry):
    registry.process("Gone", "tipi_gone.parts:run")
    registry.process("Raising", "tipi_absent_raising:run")
    registry.process("Leaving", "tipi_absent_leaving:run")
""",
}

ABSENT_PARTS = {
    "tipi_absent_raising": 'raise ValueError("no import today")\n',
    "tipi_absent_leaving": "import sys\n\nsys.exit(0)\n",
}


def write_good(folder):
    return write_plugin(folder, "good", GOOD, version="1.2", tipi_good_parts=GOOD_PARTS)


def write_broken(folder):
    sources = [write_plugin(folder, name, text, **parts) for name, (text, parts) in BROKEN.items()]
    sources.append(write_plugin(folder, "namesake", GOOD, entry="good"))
    sources.append(write_plugin(folder, "taking", HOOKIMPL, entry="core"))
    return sources


def write_meddling(folder):
    return [
        write_plugin(folder, name, text, **(ABSENT_PARTS if name == "absent" else {}))
        for name, text in MEDDLING.items()
    ]
