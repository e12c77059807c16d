"""The same program on tqdm and on ours: what it returns, raises, prints and leaves behind."""

import collections
import contextlib
import io
import itertools
import warnings
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tqdm_module = pytest.importorskip("tqdm")
from tqdm import tqdm  # noqa: E402 - after the question whether it is there

from tipi.helpers import progress_bar  # noqa: E402
from tipi_core.progress.meter import ProgressWarning  # noqa: E402

numbers = st.integers(0, 10**7) | st.floats(0, 1e7).map(lambda value: round(value, 3))
plain_text = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=8)


def outcome(call, *args, **kwargs):
    """Return what a call gives, or the name of the error it raises; tqdm's names for ours."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*args, **kwargs)
        except Exception as error:
            result = type(error).__mro__[-4 if isinstance(error, KeyError) else -3].__name__
    return result, [str(warning.message) for warning in caught]


@settings(max_examples=400, deadline=None)
@given(
    n=numbers,
    total=st.none() | numbers,
    elapsed=st.floats(0, 1e6),
    ncols=st.none() | st.integers(0, 120),
    prefix=plain_text | st.just("Epoch: ") | st.just("\x1b[31mred\x1b[0m"),
    ascii=st.none() | st.booleans() | st.sampled_from([" .oO0", " 漢"]),
    unit=st.sampled_from(["it", "B", "批"]),
    unit_scale=st.booleans() | st.sampled_from([0, 1, 2.5, 1024]),
    rate=st.none() | st.floats(1e-6, 1e6),
    bar_format=st.none()
    | st.sampled_from(
        [
            "{l_bar}{bar}{r_bar}",
            "{desc}: {percentage:.0f}%|{bar:8}|{n}",
            "{bar:-10b}{rate_inv_fmt}",
            "{bar:10a}|{bar:4u}",
            "{n_fmt}/{total_fmt} {elapsed_s:.1f} {remaining} {remaining_s:.2f} {postfix}",
            "{rate_noinv_fmt}{rate_fmt}{unit}{ncols}{desc}",
        ]
    ),
    postfix=st.none() | plain_text | st.just(5),
    unit_divisor=st.sampled_from([1000, 1024]),
    initial=st.integers(0, 50),
    colour=st.sampled_from([None, "green", "RED", "#00ff7f", "nocolour"]),
)
def test_the_text_of_a_bar(**fields):
    n, total, elapsed = fields.pop("n"), fields.pop("total"), fields.pop("elapsed")
    theirs = outcome(tqdm.format_meter, n, total, elapsed, **fields)
    assert outcome(progress_bar.format_meter, n, total, elapsed, **fields) == theirs


@given(value=st.floats(-1e30, 1e30) | st.integers(-(10**12), 10**12), divisor=st.sampled_from([1000, 1024]))
def test_sizes(value, divisor):
    assert progress_bar.format_sizeof(value, "B", divisor) == tqdm.format_sizeof(value, "B", divisor)


@given(value=st.floats(-1e8, 1e8))
def test_intervals(value):
    assert progress_bar.format_interval(value) == tqdm.format_interval(value)


@given(value=st.floats() | st.integers() | st.fractions() | st.decimals(allow_nan=False))
def test_numbers(value):
    if isinstance(value, Fraction):
        value = Decimal(value.numerator)
    assert progress_bar.format_num(value) == tqdm.format_num(value)


def plain_loop(bar):
    for _ in bar([1, 2, 3]):
        pass


def total_given(bar):
    opened = bar(iter("abc"), total=5)
    return list(opened), opened.n, opened.total


def broken_off(bar):
    opened = bar(range(10), initial=5)
    for i in opened:
        if i == 4:
            break
    return opened.n, opened.disable


def body_raises(bar):
    opened = bar(range(10))
    with contextlib.suppress(ZeroDivisionError):
        for i in opened:
            1 / (3 - i)
    return opened.n, opened.disable


def source_raises(bar):
    def source():
        yield from range(4)
        raise LookupError

    opened = bar(source())
    with pytest.raises(LookupError):
        list(opened)
    return opened.n


def by_hand(bar):
    with bar(total=10, desc="x") as opened:
        opened.update()
        opened.update(3)
        opened.update(-1)
        opened.update(0.5)
        seen = opened.n
    opened.update(5)
    return seen, opened.n, opened.update(1)


def every_update(bar):
    opened = bar(total=10, mininterval=0, miniters=1)
    return [opened.update(), opened.update(0), opened.update(3)], opened.n, opened.last_print_n, opened.close()


def assigned(bar):
    opened = bar(range(5))
    for i in opened:
        opened.n = 40
        if i == 1:
            opened.update(7)
    return opened.n


def reset(bar):
    opened = bar(total=5)
    opened.update(4)
    opened.reset()
    first = opened.n, opened.total
    opened.update(2)
    opened.reset(total=9)
    second = opened.n, opened.total
    opened.reset(float("inf"))
    third = opened.total
    opened.close()
    opened.reset(3)
    return first, second, third, opened.n, opened.total


def disabled(bar):
    opened = bar(range(5), disable=True, initial=2)
    items = list(opened)
    opened.set_postfix(a=1)
    opened.set_description("x")
    results = opened.update(3), opened.refresh(), opened.clear(), opened.unpause(), opened.close()
    return items, opened.n, opened.total, opened.leave, results, dict(opened.format_dict), opened.desc


def off_a_terminal(bar):
    opened = bar(range(3), disable=None)
    return list(opened), opened.n, opened.disable


def compared(bar):
    first, second = bar(total=1), bar(total=1)
    results = first < second, first <= second, first == second, first != second, first > second, first >= second
    positions = first.pos, second.pos, bar(total=1, position=4).pos
    first.close()
    return results, positions, bar(total=1).pos, hash(second) == hash(second)


def postfixes(bar):
    opened = bar(total=3, postfix={"b": 1, "a": 0.123456})
    texts = [opened.postfix]
    for given_values, keywords in (
        (None, {"z": 1, "a": " x "}),
        ({"q": 1e-9, "b": [1]}, {"a": None}),
        (collections.OrderedDict(k=Decimal("1.5")), {}),
        ([("pairs", 2)], {}),
    ):
        opened.set_postfix(given_values, **keywords)
        texts.append(opened.postfix)
    opened.set_postfix_str(12)
    return texts, opened.postfix, bar(total=1, postfix="text").postfix, bar(total=1, postfix=3).postfix


def attributes(bar):
    opened = bar(total=3, unit="B", leave=None, smoothing=None, mininterval=None, maxinterval=None, miniters=4)
    names = (
        "desc total leave ncols nrows mininterval maxinterval miniters dynamic_miniters ascii disable unit unit_scale "
        "unit_divisor initial lock_args delay gui dynamic_ncols smoothing bar_format postfix colour last_print_n n pos"
    )
    return {name: getattr(opened, name) for name in names.split()}


def generator_closes(bar):
    log = []

    def source():
        try:
            yield from range(5)
        finally:
            log.append("closed")

    made = source()
    for _ in bar(made):
        break
    log.append("after the break")
    made.close()
    return log


def enumerated(bar):
    return list(enumerate(bar("ab"))), sum(bar([1, 2])), dict(bar([(1, 2)])), [*bar((1,))], max(bar({3: 1}))


def wrong_formats(bar):
    return outcome(bar, range(3), bar_format="{nothing}")[0], outcome(bar, range(3), bar_format="{n")[0]


PROGRAMS = [
    plain_loop, total_given, broken_off, body_raises, source_raises, by_hand, every_update, assigned, reset, disabled,
    off_a_terminal, compared, postfixes, attributes, generator_closes, enumerated, wrong_formats,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_same_program(program):
    assert program(quiet(progress_bar)) == program(quiet(tqdm))


def quiet(base):
    """Return a class of bars that write to a file of their own unless told otherwise."""

    class Quiet(base):
        def __init__(self, *args, **kwargs):
            kwargs.setdefault("file", io.StringIO())
            super().__init__(*args, **kwargs)

    return Quiet


@pytest.mark.parametrize("bar", [progress_bar, tqdm], ids=["tipi", "tqdm"])
def test_tqdms_own_helpers_take_the_class(bar, capfd):
    import logging

    from tqdm.contrib import tenumerate, tmap, tzip
    from tqdm.contrib.concurrent import process_map, thread_map
    from tqdm.contrib.logging import logging_redirect_tqdm

    assert thread_map(abs, [-1, 2], tqdm_class=bar, max_workers=2) == [1, 2]
    assert process_map(abs, [-1, 2], tqdm_class=bar, max_workers=2, chunksize=1) == [1, 2]
    assert list(tenumerate("ab", tqdm_class=bar)) == [(0, "a"), (1, "b")]
    assert list(tzip("ab", "cd", tqdm_class=bar)) == [("a", "c"), ("b", "d")]
    assert list(tmap(abs, [-3], tqdm_class=bar)) == [3]
    log = logging.getLogger("test.bars")
    with logging_redirect_tqdm([log], tqdm_class=bar):
        log.warning("through the bar")
    assert "through the bar" in capfd.readouterr().err


def test_fields_of_a_subclass_reach_its_format():
    def texts(base):
        class Extra(base):
            @property
            def format_dict(self):
                return {**super().format_dict, "mine": self.n * 2}

        file = io.StringIO()
        opened = Extra(range(4), file=file, bar_format="{mine}:{n_fmt}", ncols=50)
        list(opened)
        return str(opened), file.getvalue().split("\r")[-1].strip()

    assert texts(progress_bar) == texts(tqdm)


def test_unknown_colours_warn():
    with pytest.warns(ProgressWarning, match="Unknown colour"):
        progress_bar.format_meter(1, 2, 3, colour="nocolour")


def test_the_final_line_in_a_file_is_tqdms():
    def last(bar, **keywords):
        file = io.StringIO()
        opened = bar(range(40), file=file, bar_format="{l_bar}{bar}|{n_fmt}/{total_fmt}{postfix}", **keywords)
        for _ in itertools.islice(opened, 30):
            pass
        opened.close()
        return file.getvalue().split("\r")[-1]

    for keywords in ({"desc": "a"}, {"ncols": 40}, {"ascii": True}, {"unit_scale": 2}, {"postfix": {"x": 1}}):
        assert last(progress_bar, **keywords) == last(tqdm, **keywords)
