"""What is wrong with data that training goes on without: the first cases by name, the rest as a number."""

import logging
from collections import Counter

log = logging.getLogger(__name__)


class Complaints:
    """Warns of each kind of fault at most `shown` times."""

    def __init__(self, shown: int = 5) -> None:
        """Nothing yet."""
        self.shown, self.counts = shown, Counter[str]()

    def add(self, kind: str, case: str) -> None:
        """One more fault: `case` names its file and entry, `kind` says what is wrong and what follows."""
        self.counts[kind] += 1
        if self.counts[kind] <= self.shown:
            log.warning("%s: %s", case, kind)

    def sum_up(self) -> None:
        """Say how many were not shown."""
        for kind, count in self.counts.items():
            if count > self.shown:
                log.warning("%d in all: %s", count, kind)
