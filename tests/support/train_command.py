"""A training script for tests of tasks that are a command."""

import argparse
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--epochs", type=int)
parser.add_argument("--checkpoint")
arguments = parser.parse_args()
state = Path(arguments.checkpoint, "epochs")
state.write_text(str(arguments.epochs))
loss = (arguments.lr - 0.01) ** 2 + 0.1 / arguments.epochs
print(json.dumps({"loss": loss, "test_loss": 1.1 * loss, "cost": 60.0 * arguments.epochs}))
