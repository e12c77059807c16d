"""``tipi runs plot``: curves on a terminal, as a picture, and as a page that is opened in a real browser."""

import json
import random
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from array import array

import pytest

from tests.docs.pictures import CHROMIUM
from tipi.records import read_record
from tipi_core.records.writer import RunRecord
from tipi_plugins.reports.sampling import sample
from tipi_plugins.reports.scales import marks

TRAIN = """
import sys
from tipi.helpers import logger, progress_bar
logger.init(mode="disabled", config={"lr": float(sys.argv[1]), "layers": 3})
logger.log({"loss": 2.0})
for epoch in progress_bar(range(3), desc="Epochs"):
    for batch in progress_bar(range(0, 40), desc="Training"):
        if batch % 10 == 0:
            logger.log({"loss": 1 / (1 + epoch * 40 + batch), "name": "text"})
    logger.log({"val/loss": 1 / (1 + epoch)})
"""


@pytest.fixture
def make_run(tmp_path):
    """Write a record with these values, one row for each."""

    def make(number, values, config=None, metric="loss", **info):
        record = RunRecord.create(tmp_path / "runs", "train", f"20260101T0000{number:02}Z-{number:06x}", info)
        rows = [
            {"step": step, "time": step / 10, "loop": [["Epochs", step // 100], ["Training", step % 100]],
             "values": {metric: value}} for step, value in enumerate(values)
        ]  # fmt: skip
        record.append_metrics("".join(json.dumps(row) + "\n" for row in rows).encode())
        record.close("completed", config=config or {})
        return record.path

    return make


@pytest.fixture
def trained(tmp_path, python):
    (tmp_path / "train.py").write_text(TRAIN)
    for rate in ("0.5", "0.25"):
        assert python("train.py", rate, TIPI_PLUGINS="").code == 0
    return tmp_path


def test_epochs_are_told_by_the_open_loops(trained):
    record = read_record(trained / "runs" / "train" / "latest")
    loss = record.series("loss")
    assert list(loss.steps) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]
    first, *epochs = loss.epochs
    assert first != first  # no loop was open yet
    assert epochs == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75])
    assert list(record.series("val/loss").epochs) == [1, 2, 3]
    assert list(record.series("name").values) == []


def test_the_loop_of_a_pipeline_counts_no_epochs(make_run):
    path = make_run(1, [1.0, 2.0], pipeline="train")
    rows = [{"step": n, "loop": [["train", 0], ["Rounds", n]], "values": {"loss": n}} for n in range(3)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(read_record(path).series("loss").epochs) == [1, 2, 3]


def test_runs_are_drawn_in_one_picture_and_named_by_what_differs(trained, cli):
    pytest.importorskip("plotille")
    done = cli("runs", "plot", "loss,val/loss", "latest", "latest~1", "--x", "epoch", cwd=trained)
    assert done.code == 0, done.err
    assert done.out.count("(epoch)") == 2
    assert "(val/loss)" in done.out
    assert len(re.findall(r"━━ train [0-9a-f]{6} lr=0.5$", done.out, re.MULTILINE)) == 2
    assert "layers" not in done.out
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["los"], "did you mean 'loss'?"),
        (["loss", "zzz"], "no run 'zzz'"),
        (["nothing-like-it"], "metrics: loss, name, val/loss"),
        (["loss", "--x", "epok"], "'epok' is not one of"),
        ([], "METRIC"),
    ],
)
def test_a_question_that_has_no_answer_is_met_with_what_there_is(trained, cli, words, hint):
    done = cli("runs", "plot", *words, cwd=trained)
    assert done.code == 2
    assert hint in done.last_line


def test_rows_outside_all_loops_know_no_epoch(trained, cli, python):
    (trained / "plain.py").write_text("from tipi.helpers import logger\nlogger.log({'loss': 1})\n")
    python("plain.py", TIPI_PLUGINS="")
    done = cli("runs", "plot", "loss", "plain/latest", "--x", "epoch", cwd=trained)
    assert done.code == 2
    assert "progress_bar around the loop" in done.last_line
    assert cli("runs", "plot", "loss", "plain/latest", "--svg", "plain.svg", cwd=trained).code == 0


def test_without_plotille_the_terminal_is_told_what_else_there_is(make_run, cli, tmp_path):
    make_run(1, [1.0, 2.0])
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "plotille.py").write_text("raise ImportError('not here')")
    done = cli("runs", "plot", "loss", PYTHONPATH=tmp_path / "hidden")
    assert done.code == 2
    assert 'pip install "torch-tipi[plots]"; --svg and --html need nothing' in done.last_line
    assert cli("runs", "plot", "loss", "--html", "loss.html", PYTHONPATH=tmp_path / "hidden").code == 0


def test_points_are_printed_for_machines(make_run, cli):
    make_run(1, [1.0, "NaN", 3])
    points = json.loads(cli("runs", "plot", "loss", "--json", "--x", "time").out)
    assert points["metrics"]["loss"] == {"20260101T000001Z-000001": [[0.0, 1.0], [0.1, None], [0.2, 3.0]]}


def test_thinning_keeps_every_spike_and_every_gap():
    chance = random.Random(3)
    for most in (1, 7, 100, 5000):
        values = array("d", [chance.gauss(0, 1) for _ in range(3000)])
        values[1234], values[77] = 99.0, -99.0
        values[500:900] = array("d", [float("nan")] * 400)
        thin = sample(values, most)
        assert len(thin.places) <= most
        assert max(high for high in thin.high if high is not None) == 99
        assert min(low for low in thin.low if low is not None) == -99
        assert sum(thin.odd) == 400
        assert (None in thin.mean) == (most >= 100)
        for mean, low, high in zip(thin.mean, thin.low, thin.high, strict=True):
            assert mean is None or low - 1e-9 <= mean <= high + 1e-9


def test_numbers_at_the_end_of_the_scale_are_left_out_and_counted(make_run, cli):
    pytest.importorskip("plotille")
    make_run(1, [1.7e308, -1.7e308, 0.0, 5e-324, 3.0])
    done = cli("runs", "plot", "loss", "--html", "loss.html")
    assert done.code == 0, done.err
    assert "(2 values are not finite)" in cli("runs", "plot", "loss").out
    assert cli("runs", "show").code == 0


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3e-9, 4e-9), (1e6, 1e6 + 1), (-5e12, 3), (0.1, 0.1)])
def test_the_marks_of_an_axis_are_few_and_inside(low, high):
    found = marks(low, high, 6)
    assert 1 <= len(found) <= 8
    assert all(low - (high - low) / 100 <= mark <= high + (high - low) / 100 for mark in found)


def test_the_picture_is_svg_that_fetches_nothing_and_shows_gaps(make_run, cli, tmp_path):
    make_run(1, [1.0, 2.0, "NaN", 4.0], {"lr": 0.1})
    make_run(2, [4.0, 3.0, 2.0, 1.0], {"lr": '<&\x1b"'})
    done = cli("runs", "plot", "loss", "latest~1", "latest", "--svg", "loss.svg")
    assert (done.code, done.out) == (0, "wrote loss.svg\n")
    text = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert root.find(f"{space}title").text == "loss of 2 runs by step"
    lines = [path.get("d") for path in root.iter(f"{space}path") if path.get("class") == "line"]
    assert lines[0].count("M") == 2  # the curve begins again behind the gap
    assert lines[1].count("M") == 1
    assert len([path for path in root.iter(f"{space}path") if path.get("class") == "odd"]) == 1
    texts = [element.text for element in root.iter(f"{space}text")]
    assert "train 000001 lr=0.1 (1 values are not finite)" in texts
    assert 'train 000002 lr=<&?"' in texts


def test_a_file_that_cannot_be_written_is_said(make_run, cli):
    make_run(1, [1.0])
    done = cli("runs", "plot", "loss", "--html", "nowhere/loss.html")
    assert done.code == 4
    assert "nowhere/loss.html" in done.last_line


def test_a_page_of_many_long_runs_stays_below_200_kb_and_needs_no_network(make_run, cli, tmp_path):
    for number in range(20):
        make_run(number, [random.Random(number).random() for _ in range(3000)], {"lr": number})
    done = cli("runs", "plot", "loss", *(f"latest~{n}" for n in range(20)), "--html", "loss.html")
    assert done.code == 0, done.err
    text = (tmp_path / "loss.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=", text) == []
    assert "default-src 'none'" in text
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1])
    assert len(data["panels"][0]["curves"]) == 20


USED = """<script>
const answers = {}, chart = document.querySelector("#chart-0 svg"), box = chart.getBoundingClientRect();
const paths = () => [...chart.querySelectorAll("path.line")].map((path) => path.getAttribute("d"));
const tip = document.querySelector("#chart-0 .tip"), byStep = paths();
answers.title = document.title;
answers.lines = byStep.length;
answers.pieces = byStep[0].split("M").length - 1;
answers.odd = chart.querySelectorAll("path.odd").length;
answers.dark = getComputedStyle(document.body).backgroundColor;
chart.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + 300, clientY: box.top + 60 }));
answers.tip = tip.hidden ? null : tip.innerText;
chart.dispatchEvent(new PointerEvent("pointerleave"));
answers.away = tip.hidden;
for (const key of ["Home", "ArrowRight"]) chart.dispatchEvent(new KeyboardEvent("keydown", { key }));
answers.spoken = document.getElementById("spoken").textContent;
document.querySelector("input[value=epoch]").click();
answers.moved = [...chart.querySelectorAll("text")].at(-1).textContent;
document.getElementById("log").click();
answers.log = paths()[1] !== byStep[1];
const smooth = document.getElementById("smooth");
smooth.value = "0.9";
smooth.dispatchEvent(new Event("input"));
answers.smooth = paths().length;
document.querySelector("#runs button").click();
answers.left = paths().length;
document.getElementById("theme").click();
answers.light = getComputedStyle(document.body).backgroundColor;
const rows = [...document.querySelectorAll("table.values tbody tr")];
answers.table = rows.map((row) => row.innerText.replaceAll("\\t", " "));
answers.wide = document.documentElement.scrollWidth <= innerWidth;
const answer = { id: "answers", textContent: JSON.stringify(answers) };
document.body.append(Object.assign(document.createElement("pre"), answer));
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_works_in_a_browser(make_run, cli, tmp_path):
    bad = "</script><script>document.title='stolen'</script>"
    make_run(1, [1.0, 2.0, "NaN", 4.0] * 50, {"lr": 0.1, "note": bad}, metric=bad)
    make_run(2, [4.0, 3.0, 2.0, 1.0] * 50, {"lr": 0.2}, metric=bad)
    done = cli("runs", "plot", bad, "latest~1", "latest", "--html", "page.html")
    assert done.code == 0, done.err
    page = tmp_path / "page.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", USED), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]
    options = [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=900,900", "--force-dark-mode"]
    shown = subprocess.run([*command, *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=100)
    answers = json.loads(ET.fromstring(re.search(r'<pre id="answers">.*?</pre>', shown.stdout)[0]).text)
    assert answers["title"] == f"{bad} of 2 runs"
    assert (answers["lines"], answers["pieces"], answers["odd"]) == (2, 51, 50)
    assert "train 000001" in answers["tip"]
    assert "step" in answers["tip"]
    assert answers["away"]
    assert "train 000002 lr=0.2: 3 at step 1, epoch 0.01, 0.1 s" in answers["spoken"]
    assert (answers["moved"], answers["log"]) == ("epoch", True)
    assert (answers["smooth"], answers["left"]) == (4, 2)
    assert answers["dark"] != answers["light"]
    assert answers["table"][1] == "train 000002 lr=0.2 4 1 1 4 200"
    assert answers["wide"]


@pytest.mark.long
def test_a_million_rows_are_plotted_in_three_seconds(make_run, cli):
    path = make_run(1, [])
    row = '{{"step":{0},"time":{0},"loop":[["Epochs",{1}],["Training",{2}]],"values":{{"loss":{3},"lr":0.1}}}}\n'
    with (path / "metrics.jsonl").open("w") as file:
        for step in range(1_000_000):
            file.write(row.format(step, step // 1000, step % 1000, 1e6 / (step + 1)))
    start = time.perf_counter()
    done = cli("runs", "plot", "loss", "--x", "epoch")
    print("seconds:", time.perf_counter() - start)
    assert done.code == 0, done.err
    assert "(epoch)" in done.out
