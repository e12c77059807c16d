# quick_experiment.py
from tipi.helpers import progress_bar, logger

logger.init(project="new_idea")

weight = 1.0

def train():
    global weight
    weight -= 0.1 * weight
    return weight**2

for epoch in progress_bar(range(10)):
    loss = train()
    logger.log({"loss": loss})
