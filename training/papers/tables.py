"""The tables by name."""

from training.errors import ConfigError
from training.papers import table_a, table_distillation
from training.papers.rows import Table


def table_of(name: str, *, full: bool) -> Table:
    """A table, with its full rows or their small twins. Raises ConfigError."""
    match name, full:
        case "a", False:
            return table_a.small()
        case "a", True:
            return table_a.full()
        case "distillation", False:
            return table_distillation.small()
        case "distillation", True:
            return table_distillation.full()
        case _:
            raise ConfigError(f"there is no table {name}{' with full rows' if full else ''}")
