# experiment_hybrid.py
import torch
from pathlib import Path
from tipi.helpers import progress_bar, logger
from my_pipeline.processes.training import train_epoch  # ← From Level 5

Path("experiment_hybrid_was_here").touch()
my_model = torch.nn.Linear(8, 2)
data = [(torch.randn(16, 8), torch.randint(2, (16,))) for _ in range(4)]

# Quick experiment using production code
for epoch in progress_bar(range(3)):
    loss = train_epoch(my_model, data)  # ← Production function
    logger.log({"quick_test": loss})    # ← Script logging
