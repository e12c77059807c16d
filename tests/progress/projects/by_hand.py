"""Train for a number of steps with a bar that is moved by hand, accumulating gradients."""

import itertools
import sys

import torch
from torch import nn
from tqdm import tqdm, trange

STEPS, ACCUMULATE = 40, 2


def batches():
    generator = torch.Generator().manual_seed(1)
    while True:
        x = torch.rand(16, 1, generator=generator)
        yield x, 3 * x + 1


def main():
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    best = float("inf")
    with tqdm(total=STEPS, desc="Steps", unit="step", dynamic_ncols=True) as bar:
        for number, (x, y) in enumerate(itertools.islice(batches(), STEPS * ACCUMULATE), 1):
            loss = nn.functional.mse_loss(model(x), y) / ACCUMULATE
            loss.backward()
            if number % ACCUMULATE:
                continue
            optimizer.step()
            optimizer.zero_grad()
            best = min(best, loss.item())
            bar.update(1)
            bar.set_postfix(loss=loss.item(), best=f"{best:.3f}")
            if bar.n % 10 == 0:
                tqdm.write(f"step {bar.n}: loss {loss.item():.5f}")
                print("checkpoint", bar.n, file=sys.stdout)
    print("elapsed steps", bar.n, "of", bar.total)
    for _ in trange(3, desc="Cooling down"):
        pass
    torch.save(model.state_dict(), "weights.pt")


if __name__ == "__main__":
    main()
