# train.py
import torch
from torch.utils.data import DataLoader
from my_model import MyModel
from tipi.helpers import (
    progress_bar,
    logger,
    device_manager  # ← Add this
)
from my_data import MyDataset

logger.init(project="my_research", entity="my_team")

criterion = torch.nn.CrossEntropyLoss()

def train_step(model, batch, device):
    inputs, targets = (part.to(device) for part in batch)
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()

# Let the helper pick the best device
device = device_manager.get_device()  # ← Simplified!
model = MyModel().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
dataset = MyDataset()
dataloader = DataLoader(dataset, batch_size=32)

for epoch in progress_bar(range(10), desc="Epochs"):
    for batch in progress_bar(dataloader, desc="Training"):
        loss = train_step(model, batch, device)
        logger.log({"loss": loss})
