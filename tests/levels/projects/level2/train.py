# train.py
import torch
from torch.utils.data import DataLoader
from my_model import MyModel
from tipi.helpers import progress_bar, logger  # ← Add logger
from my_data import MyDataset

# Initialize logging (runs once)
logger.init(project="my_research", entity="my_team")  # ← Add this

criterion = torch.nn.CrossEntropyLoss()

def train_step(model, batch, device):
    inputs, targets = (part.to(device) for part in batch)
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = MyModel().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
dataset = MyDataset()
dataloader = DataLoader(dataset, batch_size=32)

for epoch in progress_bar(range(10), desc="Epochs"):
    epoch_loss = 0
    for batch in progress_bar(dataloader, desc="Training"):
        loss = train_step(model, batch, device)
        epoch_loss += loss
        logger.log({"batch_loss": loss})  # ← Add this

    logger.log({"epoch_loss": epoch_loss / len(dataloader)})  # ← Add this
