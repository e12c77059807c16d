# processes/training.py
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tipi import PipelineController, PipelineProcess
from tipi.helpers import progress_bar, logger

Batch = tuple[Tensor, Tensor]


class TrainingProcess(PipelineProcess):
    def __init__(self, controller: PipelineController, force: bool = False, epochs: int = 10) -> None:
        super().__init__(controller, force)
        self.epochs = epochs
        self.criterion = nn.CrossEntropyLoss()

    def execute(self) -> None:
        device = self.controller.get_permanence("device", kind=torch.device)
        model: nn.Module = self.controller.get_permanence("network").model
        dataloader: DataLoader[Batch] = self.controller.get_permanence("data").train_loader
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)

        for epoch in progress_bar(range(self.epochs), desc="Epochs"):
            for batch in progress_bar(dataloader, desc="Training"):
                loss = self.train_step(model, batch, device)
                logger.log({"loss": loss})

    def train_step(self, model: nn.Module, batch: Batch, device: torch.device) -> float:
        inputs, targets = batch
        inputs, targets = inputs.to(device), targets.to(device)

        self.optimizer.zero_grad()
        outputs = model(inputs)
        loss: Tensor = self.criterion(outputs, targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves this method without annotations
        self.optimizer.step()

        return loss.item()
