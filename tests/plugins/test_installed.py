"""Entry points are found as ``importlib.metadata`` finds them, from folders alone; what is no folder is left to it."""

import importlib.metadata
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipi_core.installed import InstalledEntry, find_entries, find_versions

WORDS = st.sampled_from(["a", "b", "demo", "Demo", "de.mo", "de-mo", "de_mo", "DE__mo"])
VALUES = st.sampled_from(
    ["os", "os.path", "os.path:join", "os : getcwd", "os:path.join [extra]", "json [a,b]", "a = b"]
)
LINES = st.one_of(
    st.builds("{} = {}".format, WORDS, VALUES),
    st.builds("{}={}".format, WORDS, VALUES),
    st.sampled_from(["[tipi]", "[tipi.commands]", " [tipi] ", "[other]", "# [tipi]", "", "  ", "[[tipi]]"]),
)
DISTRIBUTIONS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which folder of sys.path
        WORDS,
        st.sampled_from(["1.0", "2", "1.0.post1"]),
        st.sampled_from([".dist-info", ".egg-info"]),
        st.one_of(st.none(), st.lists(LINES, max_size=8)),  # None: it has no entry points file
    ),
    max_size=6,
)


@contextmanager
def on_path(*folders):
    path = sys.path
    sys.path = list(map(str, folders))
    try:
        yield
    finally:
        sys.path = path


def write(site, name, version, ending, lines):
    folder = site / f"{name.replace('-', '_')}-{version}{ending}"
    folder.mkdir(parents=True, exist_ok=True)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: s\n\nName: none\nVersion: 0\n"
    (folder / ("METADATA" if ending == ".dist-info" else "PKG-INFO")).write_text(head)
    if lines is not None:
        (folder / "entry_points.txt").write_text("\n".join(lines))


def by_importlib(group):
    found = importlib.metadata.entry_points(group=group)
    return sorted((entry.name, entry.value, entry.dist.name, entry.dist.version) for entry in found)


def by_tipi(group):
    return sorted((entry.name, entry.value, entry.package, entry.version) for entry in find_entries(group))


@given(distributions=DISTRIBUTIONS)
def test_the_same_entry_points_as_importlib_metadata(distributions):
    with TemporaryDirectory() as base:
        sites = [Path(base, str(number)) for number in range(3)]
        for number, *parts in distributions:
            write(sites[number], *parts)
        with on_path(*sites, sites[0]):
            for group in ("tipi", "tipi.commands", "none"):
                assert by_tipi(group) == by_importlib(group)


def test_the_same_in_this_environment():
    for group in importlib.metadata.entry_points().groups:
        assert by_tipi(group) == by_importlib(group)


def test_versions_are_those_of_importlib_metadata():
    names = [distribution.name for distribution in importlib.metadata.distributions()]
    found = find_versions([*names, "no-such-package"])
    assert found == {name: importlib.metadata.version(name) for name in names}


def test_a_zip_file_and_an_egg_on_the_path_are_read_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("zipped-1.0.dist-info/METADATA", "Name: zipped\nVersion: 1.0\n")
        bundle.writestr("zipped-1.0.dist-info/entry_points.txt", "[tipi]\nzipped = os\n")
    egg = tmp_path / "laid-1.0.egg" / "EGG-INFO"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Name: laid\nVersion: 1.0\n")
    (egg / "entry_points.txt").write_text("[tipi]\nlaid = os\n")
    for place, name in ((tmp_path / "bundle.zip", "zipped"), (egg.parent, "laid")):
        with on_path(place):
            assert by_tipi("tipi") == by_importlib("tipi") == [(name, "os", name, "1.0")]


def test_a_finder_of_another_kind_is_asked(tmp_path, monkeypatch):
    write(tmp_path, "made-up", "3.0", ".dist-info", ["[tipi]", "invented = os"])

    class Finder(importlib.metadata.DistributionFinder):
        def find_spec(self, *arguments):
            return None

        def find_distributions(self, context=importlib.metadata.DistributionFinder.Context()):  # noqa: B008
            yield importlib.metadata.PathDistribution(tmp_path / "made_up-3.0.dist-info")

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert ("invented", "os", "made-up", "3.0") in by_tipi("tipi")


def test_a_broken_distribution_hides_no_other(tmp_path):
    write(tmp_path, "whole", "1.0", ".dist-info", ["[tipi]", "whole = os"])
    write(tmp_path, "half", "1.0", ".dist-info", ["[tipi]", "no equals sign", "half = os"])
    write(tmp_path, "latin", "1.0", ".dist-info", None)
    (tmp_path / "latin-1.0.dist-info" / "entry_points.txt").write_bytes(b"[tipi]\n\xe9 = os\n")
    (tmp_path / "file-1.0.egg-info").write_text("Name: file\n")
    (tmp_path / "bare-1.0.dist-info").mkdir()
    (tmp_path / "bare-1.0.dist-info" / "entry_points.txt").write_text("[tipi]\nbare = os\n")
    with on_path(tmp_path):
        assert by_tipi("tipi") == [
            ("bare", "os", "?", "?"),
            ("half", "os", "half", "1.0"),
            ("whole", "os", "whole", "1.0"),
        ]


@pytest.mark.parametrize("value", ["os.path:join", "os : path.join", "os.path:join [extra]"])
def test_loading_gives_what_is_named(value):
    import os.path

    entry = InstalledEntry("name", value)
    assert entry.load() is os.path.join
    assert entry.module in ("os", "os.path")


@pytest.mark.parametrize("value", ["", "not a module", "os;path", "os:"])
def test_what_names_nothing_is_an_import_error(value):
    with pytest.raises(ImportError):
        InstalledEntry("name", value).load()
