"""The checks of the project: ``nox`` runs the default ones, ``nox -s long`` what takes longer.

``nox -s gpu`` runs what needs a GPU. Every other session installs with ``-c constraints.txt``, so that it has the
tested versions and the tested build of torch.
"""

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["tests", "bare", "lint", "types", "arrows", "docs", "wheel"]
nox.options.default_venv_backend = "venv"  # uv does not look where pip's find-links point

PIN = ["-c", "constraints.txt"]
PYTEST = ["python", "-m", "pytest"]


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite."""
    session.install(*PIN, "-e", ".[all,dev]")
    session.run(*PYTEST, "-n", "auto", "--expected-skips", "tests/skipped.txt", *session.posargs)


@nox.session
def bare(session: nox.Session) -> None:
    """Run what needs no extra: neither torch nor wandb is installed."""
    tools = [
        "pytest",
        "pytest-xdist",
        "pytest-timeout",
        "hypothesis",
        "pyte",
        "tqdm",
        "psutil",
        "setuptools",
        "jsonschema",
    ]
    session.install(*PIN, "-e", ".", *tools)
    session.run(*PYTEST, "-n", "auto", "--expected-skips", "tests/skipped-bare.txt", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*PIN, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install(*PIN, "-e", ".[torch]", "mypy", "pytest")
    session.run("mypy")


@nox.session
def arrows(session: nox.Session) -> None:
    """Check that arrows point one way: who may import whom."""
    session.install(*PIN, "-e", ".", "import-linter")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every fenced block of the documentation, and build the site with warnings as errors."""
    session.install(*PIN, "-e", ".[all,dev]")
    session.run(*PYTEST, "tests/docs", "-n", "auto")
    session.run("zensical", "build", "--clean", "--strict")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it into a clean environment, run the quickstart and the example plugin."""
    session.install(*PIN, "build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")
    (built,) = Path("dist").glob("*.whl")
    session.install(*PIN, f"torch-tipi[torch] @ {built.resolve().as_uri()}", "pytest")
    example = Path("docs/examples/tipi-hello").resolve()
    empty = session.create_tmp()
    session.install(*PIN, "--no-deps", str(example))
    with session.chdir(empty):
        session.run("tipi", "run", "quickstart")
        session.run("tipi", "plugins")
        session.run(*PYTEST, str(example), "-p", "no:cacheprovider")


@nox.session
def gpu(session: nox.Session) -> None:
    """Run what needs a GPU, and what needs torchvision, with the builds of torch for CUDA."""
    session.install("-e", ".[all,vision,dev]")
    session.run(*PYTEST, "-m", "gpu", *session.posargs)
    session.run(*PYTEST, "tests/builtin/test_vision.py")


@nox.session
def long(session: nox.Session) -> None:
    """Run what takes longer than the default suite may."""
    session.install(*PIN, "-e", ".[all,dev]")
    session.run(*PYTEST, "-n", "auto", "-m", "long", "--timeout", "1200", *session.posargs)
