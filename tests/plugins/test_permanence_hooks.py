"""A permanence that implements hooks: asked while it lives, and its mistakes are its author's."""

import pytest

from tipi.errors import PluginError
from tipi.plugin import DeviceInfo, hookimpl
from tipi_core.plugins import PluginHost

CONFIG = """
    [permanences.watch]
    type = "Watch"

    [processes.go]
    type = "go"
"""


class Watch:
    """A permanence that compares as it likes, as arrays do."""

    def __init__(self, controller):
        self.controller = controller
        self.seen = []

    def __eq__(self, other):
        raise TypeError("not comparable")

    __hash__ = object.__hash__

    @hookimpl(wrapper=True)
    def tipi_execute_process(self, process):
        self.seen.append(process.name)
        return (yield)

    @hookimpl
    def tipi_list_devices(self):
        return [DeviceInfo("abacus", name=f"saw {', '.join(self.seen)}")]


def go(watch, controller):
    return [device.describe() for device in controller.run.host.list_devices()]


@pytest.fixture
def run(tipi_project, tipi_run):
    tipi_project.write("configs/watched.toml", CONFIG)
    host = PluginHost.load(only=[])
    return lambda **types: (tipi_run("watched", types={"Watch": Watch, "go": go, **types}, host=host), host)


def test_it_is_asked_while_it_lives_and_not_after(run):
    result, host = run()
    assert result["go"] == ["abacus (saw go)"]
    assert host.list_devices() == []


def test_it_is_let_go_after_a_failure_too(run):
    def fail():
        raise KeyError("go")

    with pytest.raises(KeyError):
        run(go=fail)
    assert run()[0]["go"] == ["abacus (saw go)"]  # its name is free again on the same host


def test_what_its_hook_raises_keeps_its_type(run):
    class Raising(Watch):
        @hookimpl(wrapper=True)
        def tipi_execute_process(self, process):
            yield
            raise ArithmeticError("miscounted")

    with pytest.raises(ArithmeticError, match="miscounted"):
        run(Watch=Raising)


def test_a_misspelt_hook_is_named(run):
    class Misspelt(Watch):
        @hookimpl
        def tipi_lgo(self, run, records):
            pass

    with pytest.raises(PluginError, match=r"permanence 'watch' .*Misspelt.*: unknown hook tipi_lgo .*'tipi_log'"):
        run(Watch=Misspelt)


def test_wrong_arguments_are_named(run):
    class Wrong(Watch):
        @hookimpl
        def tipi_log(self, run, rows):
            pass

    with pytest.raises(PluginError, match=r"permanence 'watch' .*'rows'"):
        run(Watch=Wrong)
