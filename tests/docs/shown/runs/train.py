import math
import random
import sys

from tipi.helpers import logger, progress_bar

rate = float(sys.argv[1])
chance = random.Random(rate)
logger.init(config={"lr": rate, "batch_size": 64, "api_key": "sk-not-a-real-one"})
for epoch in progress_bar(range(8), desc="Epochs"):
    for batch in progress_bar(range(60), desc="Training"):
        loss = 2.3 * math.exp(-rate * (60 * epoch + batch) / 30) + 0.08 * chance.random()
        logger.log({"loss": loss})
    logger.log({"val": {"loss": loss + 0.05 + 0.01 * epoch * rate, "accuracy": 1 - loss / 3}})
