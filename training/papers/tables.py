"""The tables by name."""

from training.errors import ConfigError
from training.papers import table_a, table_b, table_distillation
from training.papers.rows import Table


def table_of(name: str, *, full: bool, gan_pictures: str = "", real_pictures: str = "") -> Table:
    """A table, with its full rows or their small twins.

    Args:
        name: Of the table.
        full: Whether the rows are the full ones.
        gan_pictures: Folder that `gan-paste` made of samples, for paper A's last row.
        real_pictures: Folder that it made of real crops, for the row that this one is held against.

    Raises:
        ConfigError: There is no such table, or it has no rows of pasted pictures.
    """
    if (gan_pictures or real_pictures) and name != "a":
        raise ConfigError(
            f"table {name} has no row of pasted pictures: --gan-pictures and --real-pictures are for table a"
        )
    match name:
        case "a":
            make = table_a.full if full else table_a.small
            return make(gan_pictures, real_pictures)
        case "b":
            return table_b.groups(full=full)
        case "activations":
            return table_b.activations(full=full)
        case "distillation":
            return table_distillation.full() if full else table_distillation.small()
        case _:
            raise ConfigError(f"there is no table {name}")
