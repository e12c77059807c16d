import time

from tipi.decorators import pipeline_process
from tipi.helpers import progress_bar


@pipeline_process
def prepare():
    for _ in progress_bar(range(400), desc="Reading files", unit="file"):
        time.sleep(0.001)


@pipeline_process
def train():
    for _ in progress_bar(read_batches(), desc="Training", total=200):
        time.sleep(0.001)


def read_batches():
    yield from range(83)
    raise OSError("shard-0083.tar is truncated")
