"""Train a classifier the usual way: epochs around batches of a loader with workers."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


def accuracy(model, loader):
    correct = 0
    with torch.no_grad():
        for inputs, targets in tqdm(loader, desc="Validation", leave=False):
            correct += int((model(inputs).argmax(1) == targets).sum())
    return correct / len(loader.dataset)


def main():
    torch.manual_seed(0)
    inputs = torch.randn(240, 8)
    targets = (inputs[:, 0] + inputs[:, 1] > 0).long()
    training = TensorDataset(inputs[:200], targets[:200])
    loader = DataLoader(training, batch_size=20, shuffle=True, num_workers=2)
    validation = DataLoader(TensorDataset(inputs[200:], targets[200:]), batch_size=20)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in tqdm(range(3), desc="Epochs"):
        total = 0.0
        for batch, labels in tqdm(loader, desc=f"Epoch {epoch}"):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f} accuracy {accuracy(model, validation):.2%}")
    torch.save(model.state_dict(), "weights.pt")


if __name__ == "__main__":
    main()
