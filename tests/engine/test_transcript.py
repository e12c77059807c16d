"""The golden transcript: every hook and lifecycle call of a whole run, in order, written by hand."""

import os
import signal

import pytest

from tipi.errors import RunInterrupted
from tipi.helpers import progress_bar
from tipi.plugin import Permanence, PipelineProcess, hookimpl
from tipi_core.plugins import PluginHost

CONFIG = """
    [permanences.second]
    type = "Second"

    [permanences.first]
    type = "First"

    [processes.one]
    type = "One"

    [processes.two]
    type = "Two"
"""


class Story:
    """A plugin and four types that write down each call."""

    def __init__(self):
        self.calls = []
        self.fails = set()
        story = self

        class Told(Permanence):
            def told(self, what):
                story.tell(f"{type(self).__name__}.{what}")

            def initialize(self):
                self.told("initialize")

            def validate(self):
                self.told("validate")

            def checkpoint(self):
                self.told("checkpoint")

            def cleanup(self):
                self.told("cleanup")

        class First(Told):
            def __init__(self):
                self.told("construct")

        class Second(Told):
            def __init__(self, first):
                assert isinstance(first, First)
                self.told("construct")

        class One(PipelineProcess):
            def __init__(self, controller, force=False):
                super().__init__(controller, force)
                story.tell(f"{type(self).__name__}.construct")

            def skip(self):
                story.tell(f"{type(self).__name__}.skip")
                return False

            def execute(self):
                story.tell(f"{type(self).__name__}.execute")
                for _ in progress_bar(range(3)):
                    pass

        class Two(One):
            pass

        self.types = {"First": First, "Second": Second, "One": One, "Two": Two}

    def tell(self, what):
        self.calls.append(what)
        if what in self.fails:
            raise ValueError(what)

    @hookimpl
    def tipi_run_started(self, run):
        run.defer(self.tell, "deferred")
        run.defer(self.tell, "deferred late", late=True)
        self.tell("tipi_run_started")

    @hookimpl
    def tipi_create_permanence(self, spec):
        self.tell(f"tipi_create_permanence {spec.name}")

    @hookimpl(wrapper=True)
    def tipi_execute_process(self, process):
        self.tell(f"tipi_execute_process {process.name}")
        try:
            return (yield)
        finally:
            self.tell(f"tipi_execute_process {process.name} over")


@pytest.fixture
def story(tipi_project):
    tipi_project.write("configs/story.toml", CONFIG)
    return Story()


@pytest.fixture
def run(story, tipi_run):
    host = PluginHost.load(only=[])
    host.register("story", story)
    return lambda: tipi_run("story", types=story.types, host=host)


BUILT = [
    "tipi_run_started",
    "tipi_create_permanence first",
    "First.construct",
    "First.initialize",
    "First.validate",
    "tipi_create_permanence second",
    "Second.construct",
    "Second.initialize",
    "Second.validate",
    "One.construct",
    "Two.construct",
]
ONE = [
    "tipi_execute_process one",
    "One.skip",
    "One.execute",
    "tipi_execute_process one over",
    "First.checkpoint",
    "Second.checkpoint",
]
TWO = [call.replace("One", "Two").replace("one", "two") for call in ONE]
RELEASED = ["Second.cleanup", "First.cleanup", "deferred", "deferred late"]

# The config names `second` before `first`, and `second` takes `first`: so `first` is built first, and the
# checkpoint goes in the order in which they were built.


def test_success(story, run):
    result = run()
    assert story.calls == BUILT + ONE + TWO + RELEASED
    assert list(result.outcomes) == ["one", "two"]


def test_failure_in_the_second_process(story, run):
    story.fails = {"Two.execute"}
    with pytest.raises(ValueError, match=r"Two\.execute"):
        run()
    assert story.calls == BUILT + ONE + TWO[:4] + RELEASED


def test_failure_in_a_permanence(story, run):
    story.fails = {"Second.validate"}
    with pytest.raises(ValueError, match=r"Second\.validate"):
        run()
    assert story.calls == BUILT[:9] + RELEASED


def test_failure_in_a_constructor_of_the_last_process_comes_before_the_first_executes(story, run):
    story.fails = {"Two.construct"}
    with pytest.raises(ValueError, match=r"Two\.construct"):
        run()
    assert story.calls == BUILT + RELEASED


def test_a_failing_cleanup_stops_no_other_and_never_masks_the_first_error(story, run):
    story.fails = {"One.execute", "Second.cleanup", "deferred"}
    with pytest.raises(ValueError, match=r"One\.execute") as caught:
        run()
    assert story.calls == BUILT + ONE[:4] + RELEASED
    notes = "\n".join(caught.value.__notes__)
    assert "Second.cleanup" in notes
    assert "deferred" in notes


def test_a_failing_cleanup_fails_a_run_that_went_well(story, run):
    story.fails = {"Second.cleanup"}
    with pytest.raises(ValueError, match=r"Second\.cleanup"):
        run()
    assert story.calls == BUILT + ONE + TWO + RELEASED


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_at_the_next_step_and_everything_is_released(story, run, signum):
    before = signal.getsignal(signum)
    original = story.tell

    def tell(what):
        original(what)
        if what == "One.execute":
            os.kill(os.getpid(), signum)

    story.tell = tell
    with pytest.raises(RunInterrupted) as caught:
        run()
    assert caught.value.signum == signum
    assert story.calls == BUILT + ONE[:4] + RELEASED
    assert signal.getsignal(signum) is before


def test_a_second_signal_stops_at_once(story, run):
    class Stubborn(story.types["One"]):
        def execute(self):
            os.kill(os.getpid(), signal.SIGINT)
            story.tell("after the first")
            os.kill(os.getpid(), signal.SIGINT)
            story.tell("after the second")

    story.types["One"] = Stubborn
    with pytest.raises(RunInterrupted):
        run()
    assert "after the first" in story.calls
    assert "after the second" not in story.calls
    assert story.calls[-4:] == RELEASED
