"""What a table of a paper is made of."""

from dataclasses import dataclass, replace

from training.errors import ConfigError
from training.recipes.adapt import seen_of_caches, with_fresh_views
from training.recipes.recipe import Recipe

SAVES = 4  # checkpoints of a stage at least, so that a stop costs little of a short row


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: a recipe, and the row that it is compared with.

    Attributes:
        name: Of the row and its folder.
        text: What the step is, in words.
        recipe: What is trained.
        against: Name of the row without this step; empty for the first.
        teacher: Name of the row whose network is the recipe's larger teacher; empty: as the recipe has it.
        also: What differs from the row that it is compared with besides the step, in words; empty: nothing.
        precision: In which it is trained where that belongs to the row; empty: the machine's.
    """

    name: str
    text: str
    recipe: Recipe
    against: str = ""
    teacher: str = ""
    also: str = ""
    precision: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a paper.

    Attributes:
        name: As the command line knows it.
        title: For people.
        about: What is alike in all rows, and what must be known to read them.
        rows: In their order.
        dead: Whether the shares of dead channels and weights are shown.
        references: Networks of `models.references` whose size and speed are shown below, untrained.
    """

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]
    dead: bool = False
    references: tuple[str, ...] = ()

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

    def with_budget(self, images: int) -> "Table":
        """The table with rows of so many images each; more images have more cached views."""
        return replace(
            self, rows=tuple(replace(row, recipe=with_fresh_views(row.recipe, images)) for row in self.rows)
        )


def seeded(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with other weights and another order in all stages; the cached views stay."""
    return replace(recipe, stages=tuple(replace(stage, seed=stage.seed + seed) for stage in recipe.stages))


def trimmed(recipe: Recipe) -> Recipe:
    """The recipe with checkpoints often enough for its length, and no more cached views than it sees."""
    stages = tuple(
        replace(stage, checkpoint_images=min(stage.checkpoint_images, max(1, stage.images // SAVES)))
        for stage in recipe.stages
    )
    caches = tuple(
        replace(cache, used=seen) if 0 < seen < cache.count else cache
        for cache, seen in zip(recipe.caches, seen_of_caches(recipe), strict=True)
    )
    return replace(recipe, stages=stages, caches=caches)
