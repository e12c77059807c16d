"""Methods of tqdm and what its bars are to Python, each with a program that runs the same on tqdm and on ours."""

import collections
import contextlib
import copy
import io
import threading

from tests.progress.rows_keywords import row


def error_of(call, *arguments):
    """Return what a call gives, or the built-in error that it raises."""
    try:
        return call(*arguments)
    except Exception as error:
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")


@row("`update()`")
def update(bar):
    opened = bar(total=10)
    seen = [opened.n]
    for step in (1, 2.5, -1, 0):
        opened.update(step)
        seen.append(opened.n)
    opened.update()
    wrong = error_of(opened.update, "two")
    opened.close()
    return seen, wrong, opened.n, opened.update(5), opened.n


@row("`close()`")
def close(bar):
    opened = bar(total=4)
    opened.update(2)
    return opened.close(), opened.close(), opened.disable, opened.n


@row("`clear()`")
def clear(bar):
    opened = bar(total=4)
    return opened.clear(), opened.clear(nolock=True), opened.close(), opened.clear()


@row("`refresh()`")
def refresh(bar):
    class Own(bar):
        pass

    lock = threading.Lock()
    Own.set_lock(lock)
    opened = Own(total=4)
    results = [opened.refresh(), opened.refresh(nolock=True), opened.refresh(lock_args=(True, 1))]
    with lock:
        results += [opened.refresh(nolock=True), opened.refresh(lock_args=(False,))]
    opened.close()
    return results, opened.refresh()


@row("`display()`", prints=False)
def display(bar):
    class Mine(bar):
        def display(self, msg=None, pos=None):
            shown.append((self.n, self.total))

    shown = []
    with Mine(total=2, mininterval=0) as opened:
        opened.update(2)
    return shown[0], shown[-1], bar(total=2).display(), bar(total=2).display("message", pos=0)


@row("`unpause()`")
def unpause(bar):
    opened = bar(total=3, mininterval=100)
    opened.start_t -= 50
    opened.last_print_t -= 50
    opened.unpause()
    elapsed = round(opened.format_dict["elapsed"])
    opened.close()
    return elapsed, opened.unpause()


@row("`reset()`")
def reset(bar):
    opened = bar(total=5)
    opened.update(3)
    states = []
    for total in (None, 9, float("inf")):
        opened.reset(total)
        states.append((opened.n, opened.total))
        opened.update(2)
    opened.close()
    opened.reset(4)
    return states, opened.n, opened.total


@row("`set_description()`")
def set_description(bar):
    opened = bar(total=1)
    texts = []
    for text in ("Epoch", None, "", "[1/10] :smile:"):
        opened.set_description(text)
        texts.append((opened.desc, str(opened)[:20]))
    opened.set_description(desc="last", refresh=False)
    return texts, opened.desc, opened.close()


@row("`set_description_str()`")
def set_description_str(bar):
    opened = bar(total=1)
    texts = []
    for text in ("Epoch: ", None, "x"):
        opened.set_description_str(text)
        texts.append(opened.desc)
    opened.set_description_str("last", refresh=False)
    return texts, opened.desc, opened.close()


class Scalar(float):
    """A number that prints as its class's name would, as tensors do."""

    def __str__(self):
        return "Scalar"


@row("`set_postfix()`")
def set_postfix(bar):
    opened = bar(total=1)
    texts = []
    for values, named in (
        (None, {"z": 1, "a": 0.123456}),
        ({"b": " text ", "a": None}, {"c": [1]}),
        (collections.OrderedDict(z=1e-9, a=Scalar(2.5)), {}),
        ([("pair", 1)], {}),
    ):
        opened.set_postfix(values, **named)
        texts.append(opened.postfix)
    opened.set_postfix(refresh=False, last=1)
    return texts, opened.postfix, opened.close()


@row("`set_postfix_str()`")
def set_postfix_str(bar):
    opened = bar(total=1)
    opened.set_postfix_str("a")
    first = opened.postfix
    opened.set_postfix_str(5, refresh=False)
    return first, opened.postfix, opened.close()


@row("`format_dict`")
def format_dict(bar):
    fields = dict(bar(range(9), desc="d", unit="B", postfix="p", initial=2, ncols=50, colour="red").format_dict)
    off = bar(range(9), disable=True, initial=2).format_dict
    return [{**one, "elapsed": 0, "rate": None} for one in (fields, dict(off))], off["unknown"]


@row("`format_meter()`")
def format_meter(bar):
    return [bar.format_meter(n, 10, 3.5, prefix="p", unit_scale=n > 5, ncols=60, postfix="x=1") for n in (0, 4, 8, 12)]


@row("`format_sizeof()`")
def format_sizeof(bar):
    return [bar.format_sizeof(size, "B", 1024) for size in (0, 999.4, 1023, 1e6, -5e12, 1e30)], bar.format_sizeof(1234)


@row("`format_interval()`")
def format_interval(bar):
    return [bar.format_interval(seconds) for seconds in (0, 59.9, 61, 3600, 1e6, -5)]


@row("`format_num()`")
def format_num(bar):
    return [bar.format_num(number) for number in (0, 0.1234567, 12345678, 1e-9, 1e300, -0.5)]


@row("`write()`")
def write(bar):
    target = io.StringIO()
    bar.write("to stdout")
    bar.write("[bold]:smile:", end="")
    bar.write("x", file=target, end="!", nolock=False)
    return target.getvalue(), error_of(bar.write, 5, target)


@row("`external_write_mode()`")
def external_write_mode(bar):
    target = io.StringIO()
    with bar.external_write_mode(file=target, nolock=True), bar.external_write_mode():
        print("direct")
        target.write("x")
    return target.getvalue()


@row("`get_lock()`")
def get_lock(bar):
    lock = bar.get_lock()
    with bar.get_lock():
        held = lock.acquire()
    lock.release()
    return lock is bar.get_lock(), held is False


@row("`set_lock()`")
def set_lock(bar):
    class Own(bar):
        pass

    lock = threading.RLock()
    result = Own.set_lock(lock)
    return result, Own.get_lock() is lock, bar.get_lock() is lock, list(Own(range(2)))


@row("`wrapattr()`")
def wrapattr(bar):
    target = io.BytesIO()
    with bar.wrapattr(io.BytesIO(b"abcdef"), "read", total=6) as stream:
        data = stream.read(4), stream.read(), stream.tell()
    with bar.wrapattr(target, "write", bytes=False, desc="w") as stream:
        count = stream.write(b"xyz")
    return data, count, target.getvalue(), error_of(lambda: bar.wrapattr(target, "seek").__enter__())


@row("`pandas()`", prints=False, needs="pandas")
def pandas(bar):
    from pandas import DataFrame

    bar.pandas(file=io.StringIO())
    frame = DataFrame({"a": [1, 2, 3], "b": [1, 1, 2]})
    groups = frame.groupby("b")["a"]
    return (
        list(frame["a"].progress_apply(lambda x: x * 2)),
        list(frame["a"].progress_map(str)),
        list(frame.progress_apply(sum, axis=1)),
        list(groups.progress_apply(sum)),
        list(groups.progress_aggregate(sum)),
    )


@row("`moveto()`", prints=False)
def moveto(bar):
    target = io.StringIO()
    opened = bar(total=1, file=target)
    at = len(target.getvalue())
    return opened.moveto(2), opened.moveto(-1), opened.moveto(0), target.getvalue()[at:]


@row("`status_printer()`", prints=False)
def status_printer(bar):
    target = io.StringIO()
    show = bar.status_printer(target)
    return show("long"), show("漢"), show(""), target.getvalue()


@row("`trange()`", prints=False)
def trange(bar):
    from tqdm import trange as theirs

    from tipi.helpers import progress_bar
    from tipi.helpers import trange as ours

    make = ours if issubclass(bar, progress_bar) else theirs
    opened = make(2, 9, 3, file=io.StringIO(), desc="d")
    return list(opened), opened.n, opened.total, opened.desc


@row("`for item in bar`")
def iteration(bar):
    opened = bar(range(5))
    for i in opened:
        if i == 3:
            break
    again = bar([1, 2])
    return (
        opened.n,
        opened.disable,
        [*again],
        [*again],
        again.n,
        error_of(list, bar(5)),
        list(zip(bar("ab"), [1, 2, 3], strict=False)),
    )


@row("`with bar`")
def managed(bar):
    with contextlib.suppress(ZeroDivisionError), bar(total=4) as opened:
        opened.update(3)
        1 / 0  # noqa: B018
    return opened.n, opened.disable, opened.__enter__() is opened


@row("`len(bar)`", prints=False)
def length(bar):
    class Hinted:
        def __iter__(self):
            return iter(())

        def __length_hint__(self):
            return 4

    class Shaped:
        shape = (7, 2)

    bars = [bar(range(3)), bar(total=4), bar(Shaped()), bar(Hinted()), bar(iter("ab"), total=9), bar(iter("a")), bar()]
    return [error_of(len, one) for one in bars]


@row("`bool(bar)`", prints=False)
def truth(bar):
    bars = [bar(range(3)), bar([]), bar(total=0), bar(total=2), bar(iter([])), bar(range(3), total=0), bar()]
    return [error_of(bool, one) for one in bars]


@row("`item in bar`", prints=False)
def membership(bar):
    consumed = bar(i for i in range(5))
    return 2 in bar(range(3)), 7 in bar([1]), 2 in consumed, list(consumed)


@row("`reversed(bar)`")
def backwards(bar):
    opened = bar([1, 2, 3])
    return list(reversed(opened)), opened.n, opened.iterable, error_of(lambda: list(reversed(bar(iter("a")))))


@row("`str(bar)`")
def text(bar):
    opened = bar(range(9), desc="d", ncols=50, ascii=True, bar_format="{l_bar}{bar}|{n}")
    before = str(opened)
    list(opened)
    return before, str(opened), f"{opened}"


@row("`hash(bar)`", prints=False)
def hashed(bar):
    first, second = bar(total=1), bar(total=1)
    return hash(first) == id(first), len({first, second}), first in [second], first in {second}


@row("`==`, `!=`, `<`, `<=`, `>`, `>=`", prints=False)
def compared(bar):
    first, second = bar(total=1), bar(total=1, position=3)
    pairs = (first, second), (second, first), (first, copy.copy(first))
    return [(a < b, a <= b, a == b, a != b, a > b, a >= b) for a, b in pairs]


@row("a bar that is dropped", prints=False)
def dropped(bar):
    target = io.StringIO()
    opened = bar(total=4, file=target)
    opened.update(3)
    del opened
    return "3/4" in target.getvalue(), target.getvalue().endswith("\n")
