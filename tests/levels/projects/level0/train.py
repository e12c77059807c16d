# train.py
import torch
from torch.utils.data import DataLoader
from my_model import MyModel
from my_data import MyDataset

criterion = torch.nn.CrossEntropyLoss()

def train_step(model, batch, device):
    inputs, targets = (part.to(device) for part in batch)
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()

# Simple training script
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = MyModel().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
dataset = MyDataset()
dataloader = DataLoader(dataset, batch_size=32)

print("Starting training...")
for epoch in range(10):
    print(f"Epoch {epoch+1}/10")
    for i, batch in enumerate(dataloader):
        loss = train_step(model, batch, device)
        if i % 10 == 0:
            print(f"Batch {i}, Loss: {loss:.4f}")
