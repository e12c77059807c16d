"""The loop sees exactly the source's items, and the source is advanced exactly as in a plain loop."""

import itertools
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipi.helpers import progress_bar, trange
from tipi_core.run import Run, activate

KINDS = {
    "list": list,
    "tuple": tuple,
    "range": lambda items: range(len(items)),
    "dict": lambda items: dict.fromkeys(range(len(items))),
    "keys": lambda items: dict.fromkeys(range(len(items))).keys(),
    "set": lambda items: set(range(len(items))),
    "str": lambda items: "x" * len(items),
    "bytes": lambda items: bytes(len(items)),
    "iterator": iter,
    "generator": lambda items: (item for item in items),
    "map": lambda items: (item for item in items),
    "zip": lambda items: zip(items, items, strict=True),
}
items_of = st.lists(st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2), max_size=12)


class Watched:
    """An iterable that writes down when it is asked, what it gave and when it was let go."""

    def __init__(self, items, fails_at=None):
        self.items, self.fails_at, self.log = items, fails_at, []

    def __iter__(self):
        self.log.append("iter")
        try:
            for at, item in enumerate(self.items):
                if at == self.fails_at:
                    raise LookupError(at)
                self.log.append(("next", at))
                yield item
            self.log.append("end")
        finally:
            self.log.append("closed")


def follow(make, source, stop_at=None, body_fails_at=None):
    """Run a loop and return what its body saw, how it ended and what the source noticed."""
    seen, ending = [], "end"
    try:
        for at, item in enumerate(make(source)):
            seen.append((item, list(getattr(source, "log", ()))))
            if at == stop_at:
                ending = "break"
                break
            if at == body_fails_at:
                raise ZeroDivisionError
    except (LookupError, ZeroDivisionError) as error:
        ending = repr(error)
    return seen, ending, getattr(source, "log", None)


def quiet(source):
    return progress_bar(source, file=Nowhere())


class Nowhere:
    def write(self, text):
        """Take everything."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("handles_signals", [False, True])
@settings(max_examples=40, deadline=None)
@given(items=items_of, stop_at=st.none() | st.integers(0, 12))
def test_items_and_count(kind, handles_signals, items, stop_at):
    with activate(Run("test")) as run:
        run.handles_signals = handles_signals
        expected = list(KINDS[kind](items))
        bar = quiet(KINDS[kind](items))
        seen = []
        for at, item in enumerate(bar):
            seen.append(item)
            assert bar.n == at
            if at == stop_at:
                break
        whole = stop_at is None or stop_at >= len(expected)
        assert seen == (expected if whole else expected[: stop_at + 1])
        assert bar.n == (len(expected) if whole else stop_at)


@pytest.mark.parametrize("handles_signals", [False, True])
@settings(max_examples=150, deadline=None)
@given(
    items=items_of,
    fails_at=st.none() | st.integers(0, 12),
    stop_at=st.none() | st.integers(0, 12),
    body_fails_at=st.none() | st.integers(0, 12),
)
def test_the_source_is_advanced_as_in_a_plain_loop(handles_signals, items, fails_at, stop_at, body_fails_at):
    with activate(Run("test")) as run:
        run.handles_signals = handles_signals
        plain = follow(lambda source: source, Watched(items, fails_at), stop_at, body_fails_at)
        assert follow(quiet, Watched(items, fails_at), stop_at, body_fails_at) == plain


@pytest.mark.parametrize("handles_signals", [False, True])
@given(items=items_of, fails_at=st.integers(0, 12), body_fails_at=st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_the_count_after_an_error_of_the_source_or_the_body(handles_signals, items, fails_at, body_fails_at):
    with activate(Run("test")) as run:
        run.handles_signals = handles_signals
        bar = quiet(Watched(items, fails_at))
        follow(lambda source: bar, bar, body_fails_at=body_fails_at)
        assert bar.n == min(len(items), fails_at, body_fails_at)


def test_an_error_of_the_source_comes_without_frames_of_the_bar():
    with pytest.raises(LookupError) as caught:
        list(quiet(Watched([1, 2], fails_at=1)))
    assert [entry.name for entry in caught.traceback][1:] == ["__iter__"]


def test_a_loop_that_no_python_code_runs():
    import _thread

    done, bar = [], quiet(iter("ab"))
    done_all = threading.Event()
    bar.close = lambda: (type(bar).close(bar), done_all.set())
    _thread.start_new_thread(done.extend, (bar,))
    assert done_all.wait(30)
    while len(done) < 2:
        time.sleep(0)
    assert (done, bar.n) == (["a", "b"], 2)


@given(items=items_of)
@settings(max_examples=30, deadline=None)
def test_a_list_that_grows_in_the_body(items):
    grown, bar = list(items), None
    bar = quiet(grown)
    for at, _ in enumerate(bar):
        assert bar.n == at
        if len(grown) < 20:
            grown.append(at)
    assert bar.n == len(grown)


def test_the_same_bar_again():
    bar = quiet([1, 2])
    assert [list(bar), list(bar), bar.n] == [[1, 2], [1, 2], 2]


def test_two_loops_at_once():
    bar = quiet([1, 2, 3])
    assert list(zip(bar, bar, strict=True)) == [(1, 1), (2, 2), (3, 3)]


def test_endless_sources():
    bar = quiet(itertools.count())
    for i in bar:
        if i == 1000:
            break
    assert (bar.n, bar.total) == (1000, None)
    assert len(list(itertools.islice(quiet(itertools.repeat(1)), 5))) == 5


def test_huge_ranges():
    bar = quiet(range(2**70))
    for i in bar:
        if i == 5:
            break
    assert bar.n == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_run_ends_every_bar_early(kind, monkeypatch):
    monkeypatch.setenv("TIPI_SMOKE", "3")
    source = KINDS[kind](list(range(10)))
    with activate(Run("test")) as run:
        bar = quiet(source)
        assert len(list(bar)) == 3
        assert bar.n == 3
        assert run.facts["smoke"] == 3
    assert len(list(quiet(iter([1, 2])))) == 2
    rest = iter(range(10))
    list(quiet(rest))
    assert next(rest) == 3


def test_trange():
    assert list(trange(2, 8, 3, file=Nowhere())) == [2, 5]


def test_loops_are_known_to_the_run():
    with activate(Run("test")) as run:
        for _ in progress_bar(range(2), desc="outer", file=Nowhere()):
            inner = progress_bar(range(3), file=Nowhere())
            inner.set_description("inner")
            for j in inner:
                assert [(loop.desc, loop.n) for loop in run.loops][-1] == ("inner", j)
                assert len(run.loops) == 2
        assert run.loops == []


def test_a_signal_stops_the_loop_at_the_next_item():
    from tipi_core.errors import RunInterrupted

    with activate(Run("test")) as run:
        run.handles_signals = True
        done = []

        def train():
            for i in quiet(range(10)):
                done.append(i)
                run.stop_signal = 15 if i == 3 else None

        with pytest.raises(RunInterrupted):
            train()
        assert done == [0, 1, 2, 3]
        assert run.loops == []


def test_an_error_of_the_source_after_a_signal_is_the_clean_stop():
    from tipi_core.errors import RunInterrupted

    def source(run):
        yield 1
        run.stop_signal = 15
        raise RuntimeError("a worker died")

    with activate(Run("test")) as run:
        run.handles_signals = True
        with pytest.raises(RunInterrupted):
            list(quiet(source(run)))


def test_a_disabled_bar_is_a_safe_point_too():
    """Ranks that show nothing have to stop with those that do."""
    from tipi_core.errors import RunInterrupted

    with activate(Run("test")) as run:
        run.handles_signals = True
        done = []

        def train():
            for i in progress_bar(range(10), disable=True):
                done.append(i)
                run.stop_signal = 15 if i == 3 else None

        with pytest.raises(RunInterrupted):
            train()
        assert done == [0, 1, 2, 3]


def test_a_bar_moved_by_hand_is_a_safe_point():
    from tipi_core.errors import RunInterrupted

    with activate(Run("test")) as run, progress_bar(total=5, file=Nowhere()) as bar:
        bar.update()
        run.stop_signal = 15
        with pytest.raises(RunInterrupted):
            bar.update()
        run.stop_signal = None


@pytest.mark.parametrize("kind", ["list", "generator"])
@pytest.mark.parametrize("handles_signals", [False, True])
def test_a_trial_run_ends_disabled_bars_early_too(kind, handles_signals, monkeypatch):
    """All ranks of a distributed run take the same number of steps."""
    monkeypatch.setenv("TIPI_SMOKE", "3")
    with activate(Run("test")) as run:
        run.handles_signals = handles_signals
        assert len(list(progress_bar(KINDS[kind](list(range(10))), disable=True))) == 3
        assert run.facts["smoke"] == 3
