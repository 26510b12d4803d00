"""What a table of a paper is made of."""

from dataclasses import dataclass, replace

from training.errors import ConfigError
from training.recipes.adapt import shortened
from training.recipes.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: a recipe, and the row that it is compared with.

    Attributes:
        name: Of the row and its folder.
        text: What the step is, in words.
        recipe: What is trained.
        against: Name of the row without this step; empty for the first.
        teacher: Name of the row whose network is the recipe's larger teacher; empty: as the recipe has it.
    """

    name: str
    text: str
    recipe: Recipe
    against: str = ""
    teacher: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a paper.

    Attributes:
        name: As the command line knows it.
        title: For people.
        about: What is alike in all rows, and what must be known to read them.
        rows: In their order.
    """

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        """Check that names differ, and that every row is compared with one before it."""
        seen: set[str] = set()
        for row in self.rows:
            if row.name in seen:
                raise ConfigError(f"table {self.name}: row {row.name} is there twice")
            for before in (row.against, row.teacher):
                if before and before not in seen:
                    raise ConfigError(f"table {self.name}: {row.name} needs {before}, which comes later")
            seen.add(row.name)

    def only(self, names: tuple[str, ...]) -> "Table":
        """The table with some of its rows, and those that they need. Raises ConfigError."""
        by_name = {row.name: row for row in self.rows}
        if unknown := set(names) - set(by_name):
            raise ConfigError(
                f"table {self.name} has no row {min(unknown)}: choose among {', '.join(by_name)}"
            )
        wanted = set(names)
        for row in reversed(self.rows):
            if row.name in wanted:
                wanted |= {row.against, row.teacher} - {""}
        return replace(self, rows=tuple(row for row in self.rows if row.name in wanted))

    def shortened(self, images: int) -> "Table":
        """The table with rows of so many images each."""
        return replace(
            self, rows=tuple(replace(row, recipe=shortened(row.recipe, images)) for row in self.rows)
        )


def seeded(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with other weights and another order in all stages; the cached views stay."""
    return replace(recipe, stages=tuple(replace(stage, seed=stage.seed + seed) for stage in recipe.stages))
