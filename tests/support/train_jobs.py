"""Train tiny jobs in a process that a test may kill: ``train_jobs.py FOLDER``."""

import sys
from pathlib import Path

from nse_lstm.models.training import train

# Run as a script, with the folder of the tests on the path.
from support.training_jobs import make_jobs, make_study

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    train(
        make_jobs("ABC"),
        study=make_study(workers=2, max_epochs=4),
        folder_of=lambda job: folder / job.ticker,
        log=folder / "log.jsonl",
    )
