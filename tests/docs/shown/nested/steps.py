import time

from stop import stop

from tipi.decorators import pipeline_process
from tipi.helpers import logger, progress_bar


@pipeline_process
def prepare():
    for _ in progress_bar(range(400), desc="Reading files", unit="file"):
        time.sleep(0.001)


@pipeline_process
def train(epochs=5):
    for epoch in progress_bar(range(epochs), desc="Epochs"):
        batches = progress_bar(range(200), desc="Training", leave=False)
        for batch in batches:
            time.sleep(0.003)
            step = 200 * epoch + batch
            logger.log({"loss": 2.3 * 0.997**step, "accuracy": 1 - 0.9 * 0.996**step})
            if (epoch, batch) == (2, 120):
                stop(batches)
