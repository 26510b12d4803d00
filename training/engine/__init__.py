"""The training loop: batches, schedule, averaging of processes, EMA, checkpoints, log."""
