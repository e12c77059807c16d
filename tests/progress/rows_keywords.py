"""Keywords and attributes of tqdm, each with a program that runs the same on tqdm and on ours.

A program takes the class of bars, uses it, and returns what a user could have looked at.
"""

import io

ROWS = {}


def row(name, **options):
    """Register a program for the row ``name`` of the table."""

    def register(program):
        program.options = options
        ROWS[name] = program
        return program

    return register


def attribute(name):
    """Return the program that looks at one attribute of bars made in several ways, before, in and after a loop."""

    def program(bar):
        given = {} if name in ("disable",) else {"unit": "B", "unit_scale": True, "desc": "text"}
        opened = bar(range(4), **given)
        before = getattr(opened, name)
        for _ in opened:
            pass
        off = bar(range(4), disable=True)
        return before, getattr(opened, name), getattr(off, name, "absent"), getattr(bar(total=2), name)

    return program


def keyword(name, *values, **others):
    """Return the program that gives a keyword several values, looks at its attribute and at the bar's text."""

    def program(bar):
        seen = []
        for value in values:
            opened = bar(range(6), **{name: value}, **others)
            items = list(opened)
            seen.append((items, getattr(opened, name), str(opened)))
        return seen

    return program


row("`desc=`")(keyword("desc", None, "", "Epoch", "漢字: "))
row("`total=`")(keyword("total", None, 6, 12, 2.5, float("inf"), 0))
row("`leave=`")(keyword("leave", True, False))
row("`ncols=`")(keyword("ncols", 0, 10, 40, 79, bar_format="{l_bar}{bar}| {n}/{total}"))
row("`mininterval=`")(keyword("mininterval", 0, 0.5, 100))
row("`ascii=`")(keyword("ascii", True, False, " .oO", "-#"))
row("`unit=`")(keyword("unit", "it", "B", " images", ""))
row("`unit_scale=`")(keyword("unit_scale", True, False, 1, 64, 0.5))
row("`unit_divisor=`")(keyword("unit_divisor", 1000, 1024))
row("`smoothing=`")(keyword("smoothing", 0, 0.5, 1))
row("`bar_format=`")(keyword("bar_format", "{l_bar}{bar}|", "{n}/{total}", "{desc}{percentage:3.0f}% {bar:4}|"))
row("`initial=`")(keyword("initial", 0, 3, 10))
row("`colour=`")(keyword("colour", None, "green", "#00ff7f"))
row("`maxinterval=`")(keyword("maxinterval", 0, 0.1, 50))
row("`lock_args=`")(keyword("lock_args", None, (True, 1), (False,)))

NAMES = """
desc total leave ncols nrows mininterval maxinterval dynamic_miniters ascii disable unit unit_scale unit_divisor
initial lock_args delay gui smoothing bar_format postfix colour pos iterable
"""
for _name in NAMES.split():
    row(f"`.{_name}`")(attribute(_name))


@row("`iterable=`")
def iterable(bar):
    return list(bar(iterable="ab")), list(bar("cd")), list(bar(iterable=iter([1]))), bar().iterable


@row("`file=`")
def file(bar):
    target = io.StringIO()
    items = list(bar(range(3), file=target))
    return items, "3/3" in target.getvalue()


@row("`miniters=`")
def miniters(bar):
    opened = bar(total=10, miniters=4, mininterval=0)
    return [opened.update() for _ in range(10)], opened.miniters, opened.dynamic_miniters, opened.n


@row("`.miniters`", prints=False)
def adapted_miniters(bar):
    seen = []
    for keywords in ({}, {"smoothing": 0}, {"smoothing": 1}, {"miniters": 2}, {"total": None}):
        opened = bar(**{"total": 20, "mininterval": 0, **keywords})
        seen.append([(opened.update(n), opened.miniters) for n in (3, 1, 1, 1, 6, -2, 4)])
    return seen


@row("`disable=`")
def disable(bar):
    bars = [bar(range(3), disable=value) for value in (True, None, False)]
    return [(list(one), one.n, one.total, one.disable) for one in bars]


@row("`dynamic_ncols=`")
def dynamic_ncols(bar):
    seen = []
    for value in (False, True):
        opened = bar(range(3), dynamic_ncols=value, ncols=30, bar_format="{bar}|{n}")
        seen.append((list(opened), opened.ncols, str(opened)))
    return seen


@row("`position=`", prints=False)
def position(bar):
    bars = [bar(total=1, position=place) for place in (2, 0, 1)] + [bar(total=1)]
    places = [one.pos for one in bars]
    for one in bars:
        one.close()
    return places, bar(total=1).pos


@row("`postfix=`")
def postfix(bar):
    seen = []
    for value in (None, {"b": 2, "a": 0.1234567}, "text", 5):
        opened = bar(range(2), postfix=value)
        seen.append((list(opened), opened.postfix, str(opened)))
    return seen


@row("`write_bytes=`", prints=False)
def write_bytes(bar):
    target = io.BytesIO()
    items = list(bar(range(3), file=target, write_bytes=True, ascii=True))
    return items, b"3/3" in target.getvalue()


@row("`delay=`")
def delay(bar):
    opened = bar(range(3), delay=60)
    return list(opened), opened.delay, opened.n


@row("`gui=`")
def gui(bar):
    opened = bar(range(3), gui=True, mininterval=60)
    return list(opened), opened.gui, opened.n


@row("unknown keywords", prints=False)
def unknown(bar):
    seen = []
    for keywords in ({"wrong": 1}, {"wrong": 1, "disable": True}):
        try:
            seen.append(list(bar(range(2), **keywords)))
        except KeyError as error:
            seen.append(error.args)
    return seen


@row("`.start_t`", prints=False)
def start_t(bar):
    opened = bar(range(3))
    began = opened.start_t
    list(opened)
    return opened.start_t == began, type(began), hasattr(bar(total=1, disable=True), "start_t")


@row("`.last_print_t`", prints=False)
def last_print_t(bar):
    opened = bar(total=3, mininterval=0)
    first = opened.last_print_t
    opened.update()
    return opened.last_print_t >= first == opened.start_t, hasattr(bar(disable=True), "last_print_t")


@row("`.dynamic_ncols`", prints=False)
def has_dynamic_ncols(bar):
    return [bool(bar(total=1, dynamic_ncols=value).dynamic_ncols) for value in (True, False)]


@row("`.fp`", prints=False)
def fp(bar):
    target = io.StringIO()
    return bar(total=1, file=target).fp == target, hasattr(bar(total=1, disable=True), "fp")


@row("`.sp`", prints=False)
def sp(bar):
    target = io.StringIO()
    opened = bar(total=1, file=target)
    at = len(target.getvalue())
    opened.sp("long")
    written = target.getvalue()[at:].lstrip("\r").rstrip()
    opened.sp("x")
    return written, target.getvalue()[-5:]


@row("`monitor`", prints=False)
def monitor(bar):
    class Unwatched(bar):
        monitor_interval = 0
        monitor = None

    opened = bar(total=1)
    seen = [opened.monitor.report(), opened.monitor.exit(), opened.monitor.report()]
    return seen, bar(total=1).monitor.report(), Unwatched(total=1).monitor


@row("`monitor_interval`")
def monitor_interval(bar):
    return bar.monitor_interval, bar(range(2)).monitor_interval
