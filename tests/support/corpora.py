"""A release of full size made up on the spot: 200 films and 9 series, in our JSON lines, with all that is annotated.

Words are drawn as people's are (few often, many seldom), with stock phrases that everybody says. Some dialogues are
planted copies of others, as two cuts, recaps and opening narrations make them; `Corpus.copies` says which. The same
arguments give the same bytes.
"""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmdia_dataset.schema import INTERACTION_MODES, RELATIONSHIPS

SERIES = ["mad_men", "this_is_us", "the_office", "lost", "er", "mceiu", "suits", "house", "fargo"]
SOUNDS = ["laughs", "sighs", "phone rings", "door slams", "sobs quietly", "clears throat", "gasps", "music"]
NAMES = ["Anna", "Ben", "Dr. Green", "Dr. Green's mother", "Man", "Waitress", "Zoë", "Sgt. O'Hara"]


@dataclass
class Corpus:
    """A release: its folder, its dialogues' ids by movie, and planted copies as pairs of ids by kind."""

    folder: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    copies: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


class Speech:
    """Lines as people say them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        parts = ["".join(p) for p in itertools.product("bdfgklmnprstv", "aeiou")]
        words = {"".join(rng.choices(parts, k=rng.choice((1, 2, 2, 3)))) for _ in range(9000)}
        self.words = sorted(words)
        rng.shuffle(self.words)
        self.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(self.words))))
        self.stock = [self.some(rng.randint(3, 7)) for _ in range(400)]

    def some(self, count: int) -> list[str]:
        return self.rng.choices(self.words, cum_weights=self.weights, k=count)

    def line(self) -> list[str]:
        if self.rng.random() < 0.12:
            return list(self.rng.choice(self.stock))
        return self.some(self.rng.randint(2, 12))

    def recut(self, lines: list[list[str]]) -> list[list[str]]:
        """The same words as another cut or subtitler has them: a few dropped or changed, lines broken elsewhere."""
        words = [word for line in lines for word in line if self.rng.random() > 0.04]
        words = [self.some(1)[0] if self.rng.random() < 0.04 else word for word in words]
        made = []
        while words:
            count = self.rng.randint(3, 11)
            made.append(words[:count])
            words = words[count:]
        return made or [self.line()]


def movies_of(rng: random.Random, films: int, series: int, episodes: int) -> list[tuple[str, str]]:
    """(movie, batch) of every film and episode; ids hold dots and dashes, as upstream's do."""
    made = [(f"tt{1_000_000 + n}", f"movie_{n % 41}") for n in range(films)]
    for n in range(series):
        batch = f"tv_{n + 1:02}_{SERIES[n % len(SERIES)]}"
        for episode in range(episodes):
            season, number = episode // 6 + 1, episode % 6 + 1
            stem = rng.choice(
                [
                    f"S{season:02}E{number:02}",
                    f"s{season:02}e{number:02}",
                    f"S{season:02}E{number:02}-E{number + 30:02}",
                    f"{SERIES[n % len(SERIES)].title().replace('_', '.')}.S{season:02}E{number:02}",
                ]
            )
            made.append((f"{batch}_{stem}", batch))
    return made


def write_corpus(
    folder: Path,
    *,
    films: int = 200,
    series: int = 9,
    episodes: int = 12,
    dialogues: int = 54_700,
    copies: int = 0,
    seed: int = 0,
    splits: bool = True,
) -> Corpus:
    """Write a release of `dialogues` dialogues; `copies` of each kind are planted. `splits` are random by dialogue."""
    rng = random.Random(seed)
    speech = Speech(rng)
    corpus = Corpus(folder)
    movies = movies_of(rng, films, series, episodes)
    narrations = {batch: [speech.some(9) for _ in range(3)] for _, batch in movies}
    weights = [rng.uniform(0.4, 1.6) for _ in movies]
    shares = [max(1, round(dialogues * weight / sum(weights))) for weight in weights]
    while sum(shares) != dialogues:
        at = rng.randrange(len(shares))
        shares[at] += 1 if sum(shares) < dialogues else -1 if shares[at] > 1 else 0
    planted = _plan(rng, movies, shares, copies)
    texts: dict[tuple[int, int], list[list[str]]] = {}
    needed = {source for _, source in planted.values() if source is not None}
    (folder / "dialogues").mkdir(parents=True, exist_ok=True)
    with (folder / "dialogues" / "all.jsonl").open("w", encoding="utf-8") as file:
        for place, (movie, batch) in enumerate(movies):
            start = 30_000
            for number in range(shares[place]):
                lines = [speech.line() for _ in range(max(1, round(rng.gauss(7.8, 3))))]
                kind, source = planted.get((place, number), (None, None))
                if kind == "cut":
                    lines = speech.recut(texts[source])
                elif kind == "recap":
                    copied = speech.recut(texts[source])[:4]
                    lines = copied + lines[:3]
                elif kind == "narration":
                    lines = narrations[batch] + lines
                if (place, number) in needed:
                    texts[place, number] = lines
                id_ = f"{movie}_clip_{number}"
                corpus.ids.setdefault(movie, []).append(id_)
                if kind is not None:
                    first = movies[source[0]][0]
                    corpus.copies.setdefault(kind, []).append((f"{first}_clip_{source[1]}", id_))
                made = dialogue(rng, id_, movie, batch, number, start, lines)
                start = made["span"]["end_ms"] + rng.randrange(500, 9000)
                file.write(json.dumps(made, ensure_ascii=False) + "\n")
    if splits:
        write_splits(rng, corpus)
    return corpus


def _plan(rng, movies, shares, copies) -> dict[tuple[int, int], tuple[str, tuple[int, int]]]:
    """Which dialogue (movie, number) is a copy of which earlier one, and of what kind."""
    planned: dict[tuple[int, int], tuple[str, tuple[int, int]]] = {}
    films = [at for at, (movie, _) in enumerate(movies) if movie.startswith("tt")]
    batches: dict[str, list[int]] = {}
    for at, (movie, batch) in enumerate(movies):
        if not movie.startswith("tt"):
            batches.setdefault(batch, []).append(at)
    for _ in range(copies):
        if len(films) > 1:
            first, second = sorted(rng.sample(films[: max(2, len(films) // 10)], 2))
            planned[second, rng.randrange(shares[second])] = ("cut", (first, rng.randrange(shares[first])))
        if batches:
            first, second = sorted(rng.sample(batches[rng.choice(list(batches))], 2))
            planned[second, rng.randrange(shares[second])] = ("recap", (first, rng.randrange(shares[first])))
    if copies:
        for members in batches.values():
            for at in members[1:]:
                planned[at, 0] = ("narration", (members[0], 0))
            planned[members[0], 0] = ("narration", (members[0], 0))
    sources = {source for _, source in planned.values()}
    return {key: value for key, value in planned.items() if key not in sources or value[0] == "narration"}


def dialogue(rng, id_: str, movie: str, batch: str, number: int, start: int, lines: list[list[str]]) -> dict[str, Any]:
    """One dialogue as a line of ours."""
    count = rng.choices((1, 2, 3, 4), (4, 68, 23, 5))[0]
    names = rng.sample(NAMES, count)
    seen = [rng.choices(("on_screen", "partly", "off_screen", "unknown"), (62, 14, 12, 12))[0] for _ in names]
    turns, begin = [], start
    for place, words in enumerate(lines):
        end = begin + rng.randint(600, 4800)
        speaker = rng.randrange(count)
        turn: dict[str, Any] = {
            "speaker": speaker,
            "span": {"start_ms": begin, "end_ms": end},
            "text": " ".join(words).capitalize() + rng.choice(".?!…"),
            "cue": place + 1,
            "visibility": seen[speaker],
        }
        if rng.random() < 0.1:
            turn["nonverbal"] = [{"sound": rng.choices(SOUNDS, range(8, 0, -1))[0], "offset": 0, "speaker": speaker}]
        turns.append(turn)
        begin = end + rng.randrange(0, 600)
    intensity = min(10, max(1, round(rng.gauss(6.8, 1.5))))
    return {
        "id": id_,
        "movie": movie,
        "batch": batch,
        "number": number,
        "timeline": "movie",
        "span": {"start_ms": start, "end_ms": turns[-1]["span"]["end_ms"]},
        "speakers": [{"id": n, "name": name, "named": True, "visible": seen[n]} for n, name in enumerate(names)],
        "turns": turns,
        "triplet": {
            "relationship": {"text": "two people", "label": rng.choices(RELATIONSHIPS, range(9, 1, -1))[0]},
            "interaction": {"text": "an exchange", "label": rng.choices(INTERACTION_MODES, range(16, 1, -1))[0]},
            "tone": rng.choice(["dread", "playful warmth", "cold anger"]),
        },
        "description": " ".join(lines[0]).capitalize() + ".",
        "intensity": intensity,
        "volatility": min(10, max(1, round(intensity - 1.5 + rng.gauss(0, 1.6)))),
        "language": "en",
    }


def write_splits(rng: random.Random, corpus: Corpus) -> None:
    """The official file's shape: at random by dialogue, some ids without a dialogue, some dialogues without a split."""
    parts: dict[str, list[str]] = {"train": [], "eval": [], "test": [], "hard": []}
    for ids in corpus.ids.values():
        for id_ in ids:
            if rng.random() < 0.09:
                continue
            parts[rng.choices(["train", "eval", "test"], [90, 5, 5])[0]].append(id_)
            if rng.random() < 0.02:
                parts["hard"].append(id_)
    parts["train"] += [f"tt9999999_clip_{n}" for n in range(25)]
    (corpus.folder / "train_eval_test_hard_ids.json").write_text(json.dumps(parts), encoding="utf-8")
