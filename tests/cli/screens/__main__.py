"""Write the screens anew."""

import tempfile

from tests.cli.screens import FOLDER, SCREENS, draw, draw_help, write_project

with tempfile.TemporaryDirectory() as folder:
    write_project(folder)
    for name in SCREENS:
        (FOLDER / f"{name}.txt").write_text(draw(name, folder), encoding="utf-8")
(FOLDER / "help.txt").write_text(draw_help(), encoding="utf-8")
