# train_utils.py
from tipi.decorators import pipeline_process
from tipi.helpers import progress_bar, logger

@pipeline_process
def train_model(learning_rate: float = 0.001):
    # Shared training logic
    weight = 1.0
    for epoch in progress_bar(range(10)):
        weight -= learning_rate * weight
        logger.log({"loss": weight**2})
    return {"loss": weight**2}
