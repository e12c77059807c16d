"""The pictures in the docs are what the commands print today."""

import pytest

from tests.docs.pictures import FOLDER, PICTURES, make, make_curves, steady


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_what_the_command_prints(name):
    """Ids, times and rates may differ, and the decimals of figures: processors add up in their own order."""
    pytest.importorskip({"quickstart": "torch", "show": "plotille", "plot": "plotille"}.get(name, "rich"))
    lines, picture = make(name)
    committed = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert steady(lines) == steady(committed), "run: python -m tests.docs.pictures"
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")  # a picture fetches nothing
    committed_picture = (FOLDER / f"{name}.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert f">{PICTURES[name].command}<" in committed_picture
    for word in {word for line in committed for word in line.split() if word.isalpha()}:
        assert word in committed_picture  # text and picture were made together


def test_the_curves_in_the_docs_are_what_the_command_draws():
    drawn, page = make_curves()
    committed = (FOLDER / "curves.svg").read_text(encoding="utf-8")
    assert steady(drawn.splitlines()) == steady(committed.splitlines()), "run: python -m tests.docs.pictures curves"
    assert 10_000 < len(page) < 200_000
    assert (FOLDER / "page.png").read_bytes().startswith(b"\x89PNG")
