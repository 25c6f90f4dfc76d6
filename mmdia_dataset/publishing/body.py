"""README.md, from the templates in `cards/` and what is known of a folder."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Literal

import pyarrow as pa

from mmdia_dataset.errors import OutputError, shown
from mmdia_dataset.files import sha256_of, write_text
from mmdia_dataset.publishing.croissant import CROISSANT
from mmdia_dataset.publishing.front import TYPES, front_text
from mmdia_dataset.schema import INTERACTION_MODES, RELATIONSHIPS, SPLITS, VISIBILITIES, Clip, Dialogue, Split, arrow
from mmdia_dataset.statistics import PAPER, Covered, Distributions, Figures

__all__ = ["CardFacts", "CardPicture", "card_text", "data_state", "template", "write_built_card"]

# In a wheel the templates lie inside the package, in a checkout beside it.
_FOLDERS = (Path(__file__).parent.parent / "_cards", Path(__file__).parent.parent.parent / "cards")
_TITLES = {"clips": "MM-DIA clips, rebuilt", "dialogues": "MM-DIA annotations"}
_FILMS = 60


@dataclass(frozen=True, slots=True)
class CardPicture:
    """A picture beside the card: file, relative to it, heading and what it counts."""

    file: str
    title: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a card says. Unknown facts are left out of it.

    Attributes:
        kind: the configuration: `clips` of a built directory, or `dialogues` (only annotations).
        files: of each split that has rows, relative to the card.
        rows: of each split; a dialogue may be in more than one.
        total: different dialogues.
        state: a hash of the data files.
        repo: where it is, or goes, on the Hub.
        licence: of the annotations, as the Hub knows it.
        languages: BCP 47.
        figures: of `all` dialogues, then of each split.
        distributions: of all dialogues.
        coverage: of `all` and each split: how much of what was wanted has a clip.
        movie_coverage: the same of each movie.
        passports: how many there are beside it.
        editions: how many there are beside it.
        pictures: beside it.
    """

    kind: Literal["clips", "dialogues"]
    files: Mapping[Split, Sequence[str]]
    rows: Mapping[Split, int]
    total: int
    state: str = ""
    repo: str | None = None
    licence: str = "unknown"
    languages: tuple[str, ...] = ()
    figures: Mapping[str, Figures] = field(default_factory=dict)
    distributions: Distributions | None = None
    coverage: Mapping[str, Covered] = field(default_factory=dict)
    movie_coverage: Mapping[str, Covered] = field(default_factory=dict)
    passports: int = 0
    editions: int = 0
    pictures: tuple[CardPicture, ...] = ()

    @property
    def model(self) -> type[Dialogue]:
        """Of its rows."""
        return Clip if self.kind == "clips" else Dialogue


def card_text(facts: CardFacts) -> str:
    """README.md. Same input, same bytes. Raises OutputError: a template is missing."""
    front = front_text(
        name=facts.kind,
        title=_TITLES[facts.kind],
        schema=arrow.arrow_schema(facts.model),
        files=facts.files,
        rows=facts.total,
        state=facts.state,
        licence=facts.licence,
        languages=facts.languages,
        gated=facts.kind == "dialogues",
    )
    text = template("built.md" if facts.kind == "clips" else "published.md").substitute(
        front_matter=front,
        title=_TITLES[facts.kind],
        total=f"{facts.total:,}",
        repo=facts.repo or "ORG/NAME",
        splits=_splits(facts),
        first_split=next(iter(facts.files), "train"),
        columns=_columns(facts),
        vocabularies=_vocabularies(facts.distributions),
        statistics=_statistics(facts),
        beside=_beside(facts),
        licence=facts.licence,
        citation=template("citation.md").template.rstrip("\n"),
    )
    return text.rstrip("\n") + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column left, what follows right where it is a number. Text in cells is escaped."""
    lines = [header, ["---", *("---" if _is_words(rows, column) else "--:" for column in range(1, len(header)))], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _is_words(rows: Sequence[Sequence[str]], column: int) -> bool:
    return any(row[column][:1].isalpha() or row[column][:1] in "{`" for row in rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _splits(facts: CardFacts) -> str:
    rows = [(split, f"{facts.rows[split]:,}") for split in facts.files]
    return _table(("split", facts.kind), [*rows, ("all", f"{facts.total:,}")])


def _columns(facts: CardFacts) -> str:
    fields = facts.model.model_fields
    rows = [
        (f"`{column.name}`", _words(column), fields[column.name].description or "")
        for column in arrow.arrow_schema(facts.model)
    ]
    return _table(("column", "type", "what it is"), rows)


def _words(column: arrow.Field) -> str:
    """A column's type in words."""
    labels = arrow.labels_of(column)
    if labels is not None:
        return f"one of {', '.join(labels)}"
    if arrow.is_media(column):
        return f"{column.name} file, by path"
    if arrow.is_json(column):
        return "JSON text"
    if pa.types.is_list(column.type):
        return f"list of {_words(column.type.value_field)}"
    if pa.types.is_struct(column.type):
        return f"{{{', '.join(inner.name for inner in column.type)}}}"
    return TYPES[column.type]


def _vocabularies(distributions: Distributions | None) -> str:
    """The closed vocabularies, with how often each label occurs where that was counted."""
    relationships, interactions = Counter[str | None](), Counter[str | None]()
    visibilities: Counter[str | None] = Counter()
    if distributions:
        relationships, interactions = distributions.relationships(), distributions.interactions()
        visibilities = Counter(distributions.turn_visibility)
    counted: list[tuple[str, tuple[str, ...], Counter[str | None]]] = [
        ("Relationship", RELATIONSHIPS, relationships),
        ("Interaction mode", INTERACTION_MODES, interactions),
        ("Visibility of speakers in turns", VISIBILITIES, visibilities),
    ]
    parts = []
    for title, labels, counts in counted:
        words = [f"{label} ({counts[label]:,})" if distributions else label for label in labels]
        words += [f"none ({counts[None]:,})"] if counts[None] else []
        parts.append(f"**{title}** ({len(labels)}): {', '.join(words)}.")
    return "\n\n".join(parts)


def _statistics(facts: CardFacts) -> str:
    parts = []
    if facts.figures:
        columns = {**facts.figures, "paper": PAPER}
        names = ["movies", "dialogues", "turns", "hours", "speakers_per_dialogue", "turns_per_dialogue"]
        names += ["intensity", "volatility", "nonverbal", "words"]
        rows = [
            (name.replace("_", " "), *(_number(getattr(column, name)) for column in columns.values())) for name in names
        ]
        parts.append(_table(("", *columns), rows))
        parts.append("`paper` is the whole dataset, as counted in the paper; a dash means that nothing was counted.")
    parts += [
        f"### {picture.title}\n\n{picture.caption}\n\n![{picture.title}]({picture.file})" for picture in facts.pictures
    ]
    if facts.movie_coverage:
        films = list(facts.movie_coverage.items())
        counts = [
            (f"`{shown(name).replace('`', '')}`", f"{covered.wanted:,}", f"{covered.made:,}", f"{covered.share:.0%}")
            for name, covered in films[:_FILMS]
        ]
        more = f"\n\nAnd {len(films) - _FILMS:,} more." if len(films) > _FILMS else ""
        parts.append(f"### Films\n\n{_table(('movie', 'dialogues', 'with a clip', 'share'), counts)}{more}")
    if not parts:
        return "Not counted yet. `mmdia card` on this folder counts, draws the charts and writes this page again."
    return "\n\n".join(parts)


def _beside(facts: CardFacts) -> str:
    parts = []
    if facts.passports:
        what = (
            "they identify the reference edition of each film; with them, clips are placed to within a few milliseconds"
        )
        parts.append(f"- `passports/` ({facts.passports:,}): {what}.")
    else:
        parts.append("- No passports: clips are placed by subtitles and speech, to within about a tenth of a second.")
    if facts.editions:
        what = "how the times of the publisher's recordings differ from the films', and which clips were cut from them"
        parts.append(f"- `editions/` ({facts.editions:,}): {what}. File names and notes are left out.")
    if facts.figures:
        parts.append(f"- `{CROISSANT}`: this page's facts for machines, as Croissant JSON-LD.")
    return "\n".join(parts)


def template(name: str) -> Template:
    """A card's template, by its file's name. Raises OutputError."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return Template((folder / name).read_text(encoding="utf-8"))
    raise OutputError("the card's template is missing", where=_FOLDERS[0] / name, hint="install mmdia-dataset again")


def data_state(files: Sequence[Path]) -> str:
    """A short hash of data files by name and content. Raises OutputError: one can't be read."""
    digest = hashlib.sha256()
    for file in sorted(files):
        try:
            digest.update(f"{file.name} {sha256_of(file)}\n".encode())
        except OSError as error:
            raise OutputError(f"can't be read: {error.strerror}", where=file) from error
    return digest.hexdigest()[:16]


def write_built_card(root: Path, rows: Mapping[Split, int], total: int | None = None) -> None:
    """Write README.md of a built directory, without what has to be counted. Raises OutputError.

    `total` counts dialogues of several splits once; None says that there are none of these. A Croissant file of an
    earlier state would contradict the card, and is removed.
    """
    present: list[Split] = [split for split in SPLITS if rows.get(split)]
    files = {split: (f"annotations/{split}.parquet",) for split in present}
    state = data_state(list((root / "annotations").glob("*.parquet")))
    facts = CardFacts(
        kind="clips", files=files, rows=rows, total=sum(rows.values()) if total is None else total, state=state
    )
    write_text(root / "README.md", card_text(facts))
    (root / CROISSANT).unlink(missing_ok=True)
