"""The tables by name."""

from training.errors import ConfigError
from training.papers import table_a, table_b, table_distillation
from training.papers.rows import Table


def table_of(name: str, *, full: bool, gan_pictures: str = "") -> Table:
    """A table, with its full rows or their small twins.

    `gan_pictures`: folder that `gan-paste` made, for paper A's last row. Raises ConfigError.
    """
    if gan_pictures and name != "a":
        raise ConfigError(f"table {name} has no row of GAN samples: --gan-pictures is for table a")
    match name:
        case "a":
            return table_a.full(gan_pictures) if full else table_a.small(gan_pictures)
        case "b":
            return table_b.groups(full=full)
        case "activations":
            return table_b.activations(full=full)
        case "distillation":
            return table_distillation.full() if full else table_distillation.small()
        case _:
            raise ConfigError(f"there is no table {name}")
