"""Start-up: wall time of tipi's light commands beside a hello-world click program, medians of interleaved runs.

python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
HELLO = """
import click

@click.group()
def main():
    pass

@main.command()
def hello():
    click.echo("hello")

main()
"""


def seconds(command, folder):
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main():
    folder = Path(tempfile.mkdtemp())
    (folder / "hello.py").write_text(HELLO)
    (folder / "configs").mkdir()
    tipi = [str(Path(sys.executable).with_name("tipi"))]
    commands = {
        "click hello --help": [sys.executable, "hello.py", "--help"],
        "tipi --help": [*tipi, "--help"],
        "tipi list": [*tipi, "list"],
        "tipi plugins": [*tipi, "plugins"],
        "import tipi": [sys.executable, "-c", "import tipi"],
        "import tipi.helpers": [sys.executable, "-c", "import tipi.helpers"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    times = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command, folder))
    peer = statistics.median(times["click hello --help"])
    print(f"{'command':22} {'ms':>7} {'over click hello':>17}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:22} {median * 1000:7.1f} {median / peer:16.2f}x")


if __name__ == "__main__":
    main()
