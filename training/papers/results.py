"""What the rows of a table came to, as they lie in its folder."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from training.errors import DataError
from training.evaluate.protocol import NOT_COUNTED
from training.papers.rows import Row, Table
from training.papers.run import Place, check_same, identity, read_result
from training.recipes.mobilenetv2_gfl import LABELS


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row and its results, one a seed.

    Attributes:
        row: Of the table.
        results: As `run_row` wrote them; one at least.
    """

    row: Row
    results: Sequence[Mapping[str, Any]]

    def values(self, figure: str) -> list[float]:
        """A figure of the mean over classes, one a seed; those without anything to measure are left out."""
        found = [result["mean" if self._ours else "all"][figure] for result in self.results]
        return [value for value in found if value is not None]

    @property
    def _ours(self) -> bool:
        """Whether these are surveil's own classes, of which some are not counted; others count all theirs."""
        return self.row.recipe.labels.labels == LABELS

    @property
    def counted(self) -> set[str]:
        """Classes that the means are over: learned, and judged with every seed."""
        judged = set.intersection(
            *({name for name, one in r["classes"].items() if one["AP"] is not None} for r in self.results)
        )
        removed = {name for result in self.results for name in result["recipe"]["labels"]["removed"]}
        return judged - removed - set(NOT_COUNTED if self._ours else ())

    def over(self, classes: Collection[str]) -> list[float]:
        """AP, mean over these classes, one a seed."""
        return [fmean(result["classes"][name]["AP"] for name in sorted(classes)) for result in self.results]

    def person(self) -> list[float]:
        """AP of persons, where the data have any."""
        classes = [result["classes"].get("person", {}) for result in self.results]
        return [one["AP"] for one in classes if one.get("AP") is not None]

    def dead(self, kind: str) -> list[float]:
        """Percent of `channels` or `weights` that are dead, one a seed."""
        pairs = [result["dead"][kind] for result in self.results]
        return [100 * dead / max(1, total) for dead, total in pairs]

    @property
    def mb(self) -> float:
        """10^6 bytes in float32."""
        return int(self.results[0]["parameters"]) * 4 / 1e6

    @property
    def how(self) -> str:
        """In which precision and on what it was trained."""
        return " and ".join(sorted({f"{one['precision']} ({one['device']})" for one in self.results}))


def measured(table: Table, place: Place, precision: str = "") -> list[Measured]:
    """The rows that have a result.

    Args:
        table: All of its rows, as they are expected to be.
        place: Where they are.
        precision: In which the other rows are going to be trained; empty: none will be.

    Raises:
        DataError: A row was made of another recipe or other data, or in another precision than the others.
    """
    out = []
    for row in table.rows:
        results = [_result(row, place, seed) for seed in place.seeds(row)]
        if results:
            out.append(Measured(row=row, results=results))
    _check_precision(out, precision)
    return out


def _result(row: Row, place: Place, seed: int) -> dict[str, Any]:
    folder = place.folder(row, seed)
    result = read_result(folder) or {}
    check_same(folder, result, identity(place.workspace(row, seed)))
    return result


def _check_precision(rows: Sequence[Measured], wanted: str) -> None:
    """Rows that name no precision of their own have the same one."""
    for one in rows:
        for result in one.results:
            found = result["precision"]
            wanted = wanted or ("" if one.row.precision else found)
            expected = one.row.precision or wanted
            if found != expected:
                raise DataError(
                    f"row {one.row.name}, seed {result['seed']}: precision is {found} there and {expected} "
                    "here: rows are compared in one; train in it (--precision), or into another --out"
                )
