"""Saves three epochs again and again, each time ended at another moment, and prints what is wrong afterwards.

Run as a script: ``every_moment.py HOW LARGEST FOLDER``, where HOW is ``kill`` or ``interrupt``. A moment is before each
thing that is done to the folder of the checkpoints, and after each piece that is written.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import torch

from tipi.errors import StorageError
from tipi.plugin import logger
from tipi_core.checkpoints import HashingFile, read_checkpoint
from tipi_core.plugins import PluginHost
from tipi_core.run import Run, activate
from tipi_plugins.builtin import keeping
from tipi_plugins.devices.torch_backend import TorchBackend

EVENTS = {"open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.rmtree", "written"}
BEST = (1, 3)
EPOCHS = 3


class Piecewise:
    """A file that tells each piece that is written to it."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        size = self.file.write(data)
        sys.audit("written", "checkpoints")
        return size

    def __getattr__(self, name):
        return getattr(self.file, name)


def end_at(moment, how):
    """Let this process meet its end at a moment."""
    left = itertools.count(moment, -1)
    plain = HashingFile.__init__
    HashingFile.__init__ = lambda self, file: plain(self, Piecewise(file))

    def hook(event, arguments):
        if event in EVENTS and "checkpoints" in str(arguments[0]) and next(left) == 0:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt

    sys.addaudithook(hook)


def save_epochs(root, said, host):
    with activate(Run("moments", root=root, host=host.for_run())) as run:
        run.open_record()
        with keeping.Keeper(run) as keeper:
            for epoch in range(1, EPOCHS + 1):
                logger.log({"epoch": epoch})
                keeper.save({"model": {"weight": torch.full((9,), float(epoch))}, "epoch": epoch}, epoch in BEST)
                os.write(said, str(epoch).encode())


def try_moment(moment, how, root, host):
    """Return how it ended (0 for to the end), and the newest epoch whose save was over."""
    heard, said = os.pipe()
    child = os.fork()
    if not child:
        try:
            end_at(moment, how)
            save_epochs(root, said, host)
        except KeyboardInterrupt:
            os._exit(1)
        os._exit(0)
    os.close(said)
    with os.fdopen(heard) as told:
        words = told.read()
    return os.waitpid(child, 0)[1], int(words[-1:] or 0)


def find_wrong(root, saved, is_large):
    (folder,) = list(root.glob("runs/moments/2*/checkpoints")) or [root]
    epochs = {}
    for path in folder.glob("step-*"):
        try:
            epochs[path.name] = read_checkpoint(path, TorchBackend()).state["epoch"]
        except StorageError as error:
            yield str(error)
    if is_large and max(epochs.values(), default=0) < saved:
        yield f"epoch {saved} is lost: {epochs}"
    for mark in ("best", "last", "finite"):
        name = (folder / mark).read_text().strip() if (folder / mark).is_file() else None
        if name is not None and name not in epochs:
            yield f"{mark} names {name}, and there are {epochs}"
        if mark == "best" and is_large and saved and epochs.get(name, 0) < max(one for one in BEST if one <= saved):
            yield f"the best is that of epoch {epochs.get(name)} of {saved}"


def main(how, largest, folder):
    keeping.APART, keeping.LARGEST = (0.0 if largest == "0" else 60.0), int(largest)
    wrong, host = {}, PluginHost.load()
    for moment in itertools.count():
        root = Path(folder) / str(moment)
        root.mkdir()
        status, saved = try_moment(moment, how, root, host)
        found = list(find_wrong(root, saved, largest == "0"))
        drafts = [path.name for path in root.glob("runs/*/*/checkpoints/.step-*") if path.suffix != ".old"]
        if how == "interrupt" and drafts:
            found.append(f"left behind: {drafts}")
        if found:
            wrong[moment] = found
        if status == 0:
            break
    print(json.dumps({"moments": moment, "wrong": wrong}))


if __name__ == "__main__":
    main(*sys.argv[1:])
