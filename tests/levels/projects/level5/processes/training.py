# processes/training.py
import torch
from tipi import PipelineProcess
from tipi.helpers import progress_bar, logger

criterion = torch.nn.CrossEntropyLoss()

class TrainingProcess(PipelineProcess):
    def __init__(self, controller, force: bool = False, epochs: int = 10):
        super().__init__(controller, force)
        self.epochs = epochs

    def execute(self):
        # Get permanences from pipeline
        device = self.controller.get_permanence("device")
        model = self.controller.get_permanence("network").model
        dataloader = self.controller.get_permanence("data").train_loader

        global optimizer
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)

        # Your SAME training logic from Level 4!
        for epoch in progress_bar(range(self.epochs), desc="Epochs"):
            for batch in progress_bar(dataloader, desc="Training"):
                loss = self.train_step(model, batch, device)
                logger.log({"loss": loss})

        return None

    def train_step(self, model, batch, device):
        """Copy from your script - no changes!"""
        inputs, targets = batch
        inputs, targets = inputs.to(device), targets.to(device)

        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()

        return loss.item()
