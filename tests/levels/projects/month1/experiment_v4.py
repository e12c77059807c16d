# experiment_v4.py
from pathlib import Path
from train_utils import train_model
Path("experiment_v4_was_here").touch()
train_model(learning_rate=0.01)
