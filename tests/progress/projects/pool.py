"""Compute features in a pool of processes, then weights from them."""

import math
from multiprocessing import get_context

import torch
from tqdm import tqdm


def features(number):
    rows = [[math.sin(number * k), math.cos(number * k), 1.0] for k in range(1, 4)]
    return number, rows


def main():
    with get_context("spawn").Pool(2) as pool:
        found = dict(tqdm(pool.imap_unordered(features, range(20)), total=20, desc="First"))
        for number, rows in tqdm(pool.imap(features, range(20, 30), chunksize=2), total=10, desc="Second"):
            found[number] = rows
            print("features of", number, "first", f"{rows[0][0]:.4f}")
    rows = [row for number in range(30) for row in found[number]]
    weights = torch.tensor([math.fsum(column) / len(rows) for column in zip(*rows, strict=True)])
    print("rows", len(rows), "weights", [round(value, 3) for value in weights.tolist()])
    torch.save({"weights": weights}, "weights.pt")


if __name__ == "__main__":
    main()
