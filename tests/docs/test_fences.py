"""Every fenced block of the README and the docs runs as it stands, or says why it does not."""

from pathlib import Path

import pytest

from tests.docs.fences import fences, run_document

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [path for path in DOCUMENTS if "examples" not in path.parts]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_runs(path, tmp_path):
    pytest.importorskip("torch")
    run_document(path, tmp_path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path):
    import re

    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_runner_of_blocks_notices_a_block_that_fails(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nraise SystemExit(3)\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md:1"):
        run_document(page, tmp_path)


def test_comments_before_a_fence_are_understood():
    text = "<!-- file: a/b.py -->\n```python\nx = 1\n```\n\n<!-- not run: no network -->\n```sh\ncurl x\n```\n"
    assert [(fence.kind, fence.value, fence.text) for fence in fences(text)] == [
        ("file", "a/b.py", "x = 1\n"),
        ("not run", "no network", "curl x\n"),
    ]
