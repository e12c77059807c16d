"""The small training that several files of tests begin with."""

TRAINING = """
[permanences.device]
type = "Device"
params = { prefer = "cpu" }

[permanences.network]
type = "Network"
params = { model = "mlp" }

[permanences.data]
type = "Data"
params = { dataset = "synthetic", batch_size = 16, options = { size = 160 } }

[processes.training]
type = "TrainingProcess"
params = { epochs = 3, learning_rate = 0.01 }
"""
