# train.py
import torch
from torch.utils.data import DataLoader
from my_model import MyModel
from tipi.helpers import progress_bar, logger, device_manager
from tipi.decorators import pipeline_process  # ← New!
from my_data import MyDataset

logger.init(project="my_research", entity="my_team")

criterion = torch.nn.CrossEntropyLoss()

def train_step(model, batch, device):
    """Your existing training logic"""
    inputs, targets = batch
    inputs, targets = inputs.to(device), targets.to(device)

    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, targets)
    loss.backward()
    optimizer.step()

    return loss.item()

@pipeline_process  # ← Add decorator (optional for now)
def train_model(epochs: int = 10):
    """Now this function can become a pipeline process later!"""
    global optimizer
    device = device_manager.get_device()
    model = MyModel().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    dataset = MyDataset()
    dataloader = DataLoader(dataset, batch_size=32)

    for epoch in progress_bar(range(epochs), desc="Epochs"):
        for batch in progress_bar(dataloader, desc="Training"):
            loss = train_step(model, batch, device)
            logger.log({"loss": loss})

    return model

# Still works as a script!
if __name__ == "__main__":
    trained_model = train_model(epochs=10)
    torch.save(trained_model.state_dict(), "model.pth")
