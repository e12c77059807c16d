"""Figures, images, tables, texts and files: kept in the record, named by its rows."""

import json
import struct

import pytest

from tipi.helpers import logger


class Figure:
    def savefig(self, path):
        path.write_bytes(b"png")


class Drawing:
    def _repr_svg_(self):
        return "<svg/>"


class Page:
    def write_html(self, path):
        with open(path, "w") as file:
            file.write("<p>")


class Pixels:
    """An array as far as images need one."""

    def __init__(self, values, dtype="float32"):
        self.values, self.dtype = values, dtype

    def tolist(self):
        return self.values


@pytest.fixture
def kept(run, rows):
    """End the run; return kind, suffix and bytes of each file, by key."""

    def read():
        files = {}
        for row in rows():
            for key, about in row.get("files", {}).items():
                path = run.record.path / about["path"]
                files[key] = (about["type"], path.suffix, path.read_bytes() if path.is_file() else path)
        return files

    return read


def test_figures_of_all_kinds_are_kept(kept):
    logger.log_figure("val/confusion", Figure())
    logger.log_figure("curve", Page())
    logger.log_figure("drawing", Drawing())
    assert kept() == {
        "val/confusion": ("figure", ".png", b"png"),
        "curve": ("figure", ".html", b"<p>"),
        "drawing": ("figure", ".svg", b"<svg/>"),
    }


@pytest.mark.parametrize(
    ("pixels", "size", "colour"),
    [
        (Pixels([[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]]), (3, 2), 0),
        (Pixels([[[1, 2, 3]] * 5] * 4, "uint8"), (5, 4), 2),
        (Pixels([[[0.0] * 6] * 5] * 3), (6, 5), 2),
    ],
)
def test_arrays_become_png_files_with_channels_first_or_last(kept, pixels, size, colour):
    logger.log_image("image", pixels)
    kind, suffix, data = kept()["image"]
    assert (kind, suffix, data[:8]) == ("image", ".png", b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == size
    assert data[25] == colour


def test_tables_keep_columns_and_rows(kept):
    logger.log_table("a", [{"x": 1, "y": 2.5}, {"x": 3}])
    logger.log_table("b", [[1, "one"]], columns=["n", "word"])
    files = kept()
    assert json.loads(files["a"][2]) == {"columns": ["x", "y"], "data": [[1, 2.5], [3, None]]}
    assert json.loads(files["b"][2]) == {"columns": ["n", "word"], "data": [[1, "one"]]}


def test_texts_files_and_folders_are_kept_as_they_were(kept, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("inside")
    (tmp_path / "w.bin").write_bytes(b"\0\1")
    logger.log_text("sample", "once upon\na time")
    logger.log_artifact("w.bin", type="model")
    logger.log_artifact(tmp_path / "folder", name="data")
    files = kept()
    assert files["sample"] == ("text", ".txt", b"once upon\na time")
    assert files["w"] == ("artifact", ".bin", b"\0\1")
    assert (files["data"][2] / "a.txt").read_text() == "inside"


def test_what_cannot_be_kept_is_said_and_stops_nothing(rows, capsys):
    logger.log_figure("figure", 3)
    logger.log_image("image", "missing.png")
    logger.log_table("table", [[1]])
    logger.watch(object())
    logger.log({"loss": 1.0})
    assert [row["values"] for row in rows()] == [{"loss": 1.0}]
    err = capsys.readouterr().err
    assert "logger.log_figure: TypeError: a int is no figure" in err
    assert "logger.log_image: FileNotFoundError" in err
    assert "columns=[...]" in err
    assert "in_process=True" in err


def test_a_metric_that_is_defined_has_its_own_best_value(run, rows):
    logger.define_metric("score", step_metric="epoch", summary="min")
    for score in (3, 1, 2):
        logger.log({"score": score})
    first = rows()[0]
    assert first["define"] == {"name": "score", "step_metric": "epoch", "summary": "min"}
    assert json.loads((run.record.path / "run.json").read_text())["metrics"]["score"]["best"] == 1


def test_an_alert_is_on_the_console_and_in_the_record(run, rows, capsys):
    logger.alert("loss is NaN", "at once", level="WARN")
    assert "tipi: warn: loss is NaN: at once" in capsys.readouterr().err
    assert rows()[0]["alert"]["title"] == "loss is NaN"
    assert '"event": "alert"' in (run.record.path / "events.jsonl").read_text()
