"""A run's results as tables: a row a method, groups of cases in the mean; then every case, strata, real film and labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frdm.bench.methods import plain_names

Result = Mapping[str, Any]
Value = float | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, what it says in words, its digits, whether more is better (None: neither), and how it is had."""

    heading: str
    meaning: str
    digits: int
    more: bool | None
    value: Callable[[Sequence[Result]], Value]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is printed: rows of a name and one value a column."""

    title: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple["Row", ...]

    def best(self, place: int) -> Value:
        """The best value of a column among restorers: neither ceilings nor the input."""
        column = self.columns[place]
        values = [row.values[place] for row in self.rows if row.restorer]
        there = [value for value in values if value is not None]
        if column.more is None or len(there) < 2:
            return None
        return max(there) if column.more else min(there)


@dataclass(frozen=True, slots=True)
class Row:
    """A method's values, and whether it is one that restores: not given the truth, and not the scan itself."""

    name: str
    restorer: bool
    values: tuple[Value, ...]

    def cells(self, table: Table) -> list[tuple[str, bool]]:
        """Each value as it is printed, and whether it is the best of its column."""
        pairs = zip(self.values, table.columns, strict=True)
        best = [table.best(place) for place in range(len(self.values))]
        return [
            (shown(value, column.digits), self.restorer and value is not None and value == top)
            for (value, column), top in zip(pairs, best, strict=True)
        ]


def mean(values: Iterable[Value]) -> Value:
    """The mean of those that are there."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def always(one: Result) -> bool:
    return True


def score(name: str, kept: Callable[[Result], bool] = always) -> Callable[[Sequence[Result]], Value]:
    """The mean of a score over the cases that count."""
    return lambda found: mean(one["scores"].get(name) for one in found if kept(one))


def has_damage(one: Result) -> bool:
    return one["scores"].get("f1") is not None


def mostly_lines(one: Result) -> bool:
    """Whether most of the visible damage stands for many frames."""
    return bool((one["scores"].get("line_share") or 0) > 0.5)


def mostly_dirt(one: Result) -> bool:
    return has_damage(one) and not mostly_lines(one)


def untouched(one: Result) -> bool:
    return one["facts"]["kind"] == "reference" and not has_damage(one)


def worse(found: Sequence[Result]) -> Value:
    """How many damaged cases came out worse as a whole."""
    gains = [one["scores"]["whole_gain_db"] for one in found if has_damage(one)]
    return float(sum(gain < 0 for gain in gains)) if gains else None


def seconds(found: Sequence[Result]) -> Value:
    """Seconds a megapixel frame, start-up included, over all cases."""
    work = sum(one["frames"] * one["height"] * one["width"] for one in found) / 1e6
    return sum(one["seconds"] for one in found) / work if work else None


def peak(found: Sequence[Result]) -> Value:
    """The largest peak of memory, MiB."""
    return max((one["peak"] / 2**20 for one in found), default=None)


def a_frame(found: Sequence[Result]) -> Value:
    """Seconds a frame, start-up included."""
    return sum(one["seconds"] for one in found) / max(sum(one["frames"] for one in found), 1) if found else None


def inside(kept: Callable[[Result], bool]) -> tuple[Column, ...]:
    """What was found and mended of the damage, over the cases that count, and how it looks."""
    return (
        Column("recall", "of visible damage", 2, True, score("recall", kept)),
        Column("precision", "of what was altered", 2, True, score("precision", kept)),
        Column("mended", "share of defects", 2, True, score("mended", kept)),
        Column("texture", "fine detail inside, output / truth; best 1", 2, None, score("texture", kept)),
        Column("grain dB", "distance of a fill's grain from its surround's, spectra", 1, False, score("grain_distance", kept)),
    )


MEMORY = Column("peak MiB", "peak of memory, all processes of the method, largest case", 0, False, peak)
CASE_COST = (Column("s/frame", "seconds a frame, start-up included", 2, False, a_frame), MEMORY)
COST = (
    Column("s/Mpx", "seconds a frame and megapixel, start-up included", 2, False, seconds),
    MEMORY,
)
METHODS = (
    Column(
        "in-mask dB",
        "PSNR over visible damage, cases that are not mostly lines; the ideal repair is the ceiling",
        1,
        True,
        score("in_mask_db", mostly_dirt),
    ),
    Column("F1", "of altered pixels, cases that are not mostly lines", 2, True, score("f1", mostly_dirt)),
    *inside(mostly_dirt),
    Column("flicker", "warping error, output / clean film; best 1", 2, None, score("flicker", has_damage)),
    Column("lines F1", "cases whose damage is mostly standing lines", 2, True, score("f1", mostly_lines)),
    Column("lines dB", "PSNR over visible damage there", 1, True, score("in_mask_db", mostly_lines)),
    Column("whole dB", "gain over all pixels, all damaged cases", 1, True, score("whole_gain_db", has_damage)),
    Column("cases worse", "damaged cases that came out worse as a whole", 0, False, worse),
    Column("worst frame dB", "gain of the worst frame, mean of cases", 1, True, score("worst_frame_db", has_damage)),
    Column("far-altered %", "pixels altered far from damage, damaged cases", 3, False, score("far_altered", has_damage)),
    Column("false/frame", "wrong pieces a frame, damaged cases", 1, False, score("false_per_frame", has_damage)),
    Column("undamaged: altered %", "undamaged cases", 3, False, score("far_altered", untouched)),
    Column("undamaged: false/frame", "undamaged cases", 1, False, score("false_per_frame", untouched)),
    Column("clicks/1000", "what a person still has to touch in 1,000 frames", 0, False, score("clicks")),
)
CASES = (
    Column("in-mask dB", "PSNR over visible damage; the ideal repair is the ceiling", 1, True, score("in_mask_db")),
    Column("ideal dB", "the ideal repair: true content, other grain", 1, None, score("ideal_db")),
    Column("F1", "of altered pixels", 2, True, score("f1")),
    *inside(always),
    Column("flicker", "warping error, output / clean film; best 1", 2, None, score("flicker")),
    Column("lines mended", "share of standing lines", 2, True, score("lines_mended")),
    Column("whole dB", "gain over all pixels", 1, True, score("whole_gain_db")),
    Column("worst frame dB", "gain of the worst frame", 1, True, score("worst_frame_db")),
    Column("far-altered %", "pixels altered far from damage", 3, False, score("far_altered")),
    Column("false/frame", "wrong pieces a frame", 1, False, score("false_per_frame")),
    Column("largest false", "px of a 480-line picture", 0, False, score("largest_false")),
    Column("undeclared %", "changed where the method says it did not", 3, False, score("undeclared")),
)
REAL = (
    Column("altered %", "pixels that were altered", 3, None, score("altered")),
    Column("worst frame %", "… in the frame with most", 3, None, score("altered_worst")),
    Column("codes", "mean change there", 1, None, score("strength")),
    Column("pieces/frame", "connected pieces", 1, None, score("pieces")),
    Column("again %", "pixels that a second run altered in the result", 3, False, score("again")),
    Column("again / first", "that as a share of the first; 0 is stable", 3, False, score("again_share")),
)
REAL_WORDS = "No truth, so no quality: how much is touched, and whether a second run still finds something."
LABEL_WORDS = {
    "pixel": "altered pixels within 2 px of what a person marked",
    "defect": "connected pieces that touch what a person marked; a method that alters everything is one piece that touches all",
}
LABELS = tuple(
    Column(f"{kind} {what}", LABEL_WORDS[kind], 2, True, score(f"{kind}_{what}"))
    for kind in ("pixel", "defect")
    for what in ("f1", "recall", "precision")
)


def tables(found: Sequence[Result]) -> list[Table]:
    """All tables of a run that have something to say."""
    done = [one for one in found if "failed" not in one]
    truth = [one for one in done if one["facts"]["kind"] == "reference"]
    real = [one for one in done if one["facts"]["kind"] == "real"]
    labelled = [one for one in done if one["facts"]["kind"] == "labelled"]
    made = [
        by_method("Methods", "Means over cases; ceilings (true mask) stand last.", (*METHODS, *COST), truth),
        by_method(
            "Real film, without reference",
            REAL_WORDS,
            (*REAL, *COST),
            real,
        ),
        by_method("Labelled by hand", "What was altered against what a person marked.", (*LABELS, *COST), labelled),
    ]
    made += [by_method(f"By {key}: {value}", "", (*METHODS, *COST), part) for key, value, part in strata(truth)]
    made += [
        by_method(f"Case {name}", case_words(part[0]), (*columns_of(part[0]), *CASE_COST), part)
        for name, part in grouped(done, "case").items()
    ]
    return [table for table in made if table.rows]


def columns_of(one: Result) -> tuple[Column, ...]:
    """The columns of a case's own table."""
    return {"reference": CASES, "real": REAL, "labelled": LABELS}[one["facts"]["kind"]]


def by_method(title: str, about: str, columns: tuple[Column, ...], found: Sequence[Result]) -> Table:
    """A row a method; columns without any value are left out."""
    parts = grouped(found, "method")
    values = {name: [column.value(part) for column in columns] for name, part in parts.items()}
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in values.values())]
    names = sorted(parts, key=lambda name: order(parts[name][0]))
    rows = tuple(Row(name, restores(parts[name][0]), tuple(values[name][place] for place in kept)) for name in names)
    return Table(title, about, tuple(columns[place] for place in kept), rows)


def restores(one: Result) -> bool:
    """Whether a result is a restorer's."""
    return not one["truth"] and one["method"] != "input"


def order(one: Result) -> tuple[bool, int, str]:
    """Restorers first, ceilings last; the plain ones in their own order, others by name."""
    known = plain_names()
    return bool(one["truth"]), known.index(one["method"]) if one["method"] in known else len(known), one["method"]


def grouped(found: Iterable[Result], key: str) -> dict[str, list[Result]]:
    """Results by one of their entries."""
    groups: dict[str, list[Result]] = {}
    for one in found:
        groups.setdefault(str(one[key]), []).append(one)
    return groups


def strata(found: Sequence[Result]) -> list[tuple[str, str, list[Result]]]:
    """Results by gauge and by stock, where there are several."""
    parts = []
    for key in ("gauge", "stock"):
        values = sorted({one["facts"][key] for one in found})
        parts += [(key, value, [one for one in found if one["facts"][key] == value]) for value in values] if len(values) > 1 else []
    return parts


def case_words(one: Result) -> str:
    """What is known of a case."""
    facts = one["facts"]
    known = [facts["gauge"] if facts["gauge"] != "unknown" else "", facts["stock"] if facts["stock"] != "unknown" else "", *facts["tags"]]
    known += [f"damage: {facts['recipe']}, seed {facts['seed']}" if facts["recipe"] else ""]
    return ", ".join([f"{one['frames']} frames of {one['width']} × {one['height']}", *(word for word in known if word)])


def shown(value: Value, digits: int) -> str:
    """A value as it is printed."""
    return "–" if value is None else f"{value:.{digits}f}"
