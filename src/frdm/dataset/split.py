"""Which films train, which validate, which test: whole films, so that no shot of one is on two sides."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b

from frdm.dataset.samples import Split
from frdm.errors import DatasetError


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Named films (patterns such as `davis-*`) go where they are named; of the others a share that hangs on the film's name alone.

    So a film stays on its side when others are added. Shares are of films, 0 … 1.
    """

    validation: float = 0.1
    test: float = 0.0
    validation_films: tuple[str, ...] = ()
    test_films: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.validation <= 1 and 0 <= self.test <= 1 and self.validation + self.test <= 1):
            raise DatasetError(f"shares {self.validation:g} (validation) and {self.test:g} (test) found, wanted 0 … 1 and no more together")

    def of(self, film: str) -> Split:
        """The film's side. Raises `DatasetError` where it is named for two."""
        tested, validated = named(film, self.test_films), named(film, self.validation_films)
        if tested and validated:
            raise DatasetError(f"film {film}: named for validation and for test; a film has one side, take it out of one list")
        if tested or validated:
            return "test" if tested else "validation"
        place = drawn(film, self.seed)
        if place < self.test:
            return "test"
        return "validation" if place < self.test + self.validation else "train"


def named(film: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns names the film."""
    return any(fnmatchcase(film, pattern) for pattern in patterns)


def drawn(film: str, seed: int) -> float:
    """An even number in 0 … 1 that hangs on the film's name and the seed alone."""
    digest = blake2b(f"{seed}/{film}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
