"""The log of a stage: one CSV line every few steps; a resumed run cuts off what came after its checkpoint."""

import csv
import io
from collections import defaultdict
from pathlib import Path

from training.files import write_whole


class Means:
    """Means of named values since they were last taken."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0

    def add(self, values: dict[str, float]) -> None:
        """One more of each."""
        self._count += 1
        for name, value in values.items():
            self._sums[name] += value

    def take(self) -> dict[str, float]:
        """The means; counting starts anew."""
        means = {name: value / self._count for name, value in self._sums.items()}
        self._sums.clear()
        self._count = 0
        return means


class Journal:
    """Writes a CSV file; the columns are those of the first line."""

    def __init__(self, path: Path, resume_step: int = 0) -> None:
        """Lines of steps after `resume_step` are dropped."""
        self.path = path
        rows = []
        if path.exists() and resume_step:
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= resume_step]
        self.columns = list(rows[0]) if rows else []
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = io.StringIO(newline="")
        if rows:
            writer = csv.DictWriter(kept, self.columns)
            writer.writeheader()
            writer.writerows(rows)
        write_whole(path, kept.getvalue().encode())

    def write(self, line: dict[str, float]) -> None:
        """Append one line."""
        fresh = not self.columns
        self.columns = self.columns or list(line)
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            if fresh:
                writer.writeheader()
            writer.writerow(line)


def read_journal(path: Path) -> list[dict[str, float]]:
    """Lines of a log."""
    with path.open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if v != ""} for row in csv.DictReader(file)]
