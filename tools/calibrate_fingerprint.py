"""What the limits of `by_fingerprint/fingerprint_limits.py` separate, measured with the functions they are used in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from calibrate_material import Material, Recorded, Sides

from mmdia_dataset.alignment.by_fingerprint import content, dubs, judging, matching
from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.changes import changes_of
from mmdia_dataset.alignment.by_fingerprint.correlation import Hit, Searchable
from mmdia_dataset.alignment.by_fingerprint.likelihood import Likelihood
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.by_fingerprint.tracking import Run
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack

__all__ = ["measure", "measure_movies"]

ELSEWHERE_S = (-41.7, 23.3)
"""Shifts to places where other things are said [s]."""
ASIDE_S = 0.04
INSERTED_S = 0.06


class Laid:
    """A film's fingerprint laid over a recording where it belongs, as `matching` does once it knows where."""

    def __init__(self, material: Material, soundtrack: Soundtrack, rate: float, offset_s: float) -> None:
        self.material = material
        self.agreement = Agreement(material.reference, soundtrack, rate, rate)
        self.run = Run(0, len(self.agreement.times), offset_s)
        spoken = cued(self.agreement.times, material.dialogues)
        self.likelihood = Likelihood(self.agreement, [self.run], spoken)

    def heard(self, *, numbers: Sequence[int] | None = None, aside_s: float = 0.0) -> list[judging._Heard]:
        """How dialogues agree, with the whole recording moved aside."""
        run = Run(self.run.first, self.run.after, self.run.offset_s + aside_s)
        return [
            judging._listen(dialogue, self.agreement, self.likelihood, [run], 0)
            for dialogue in self.material.dialogues
            if numbers is None or dialogue.number in numbers
        ]


def laid(material: Material, recording: Recorded) -> Laid:
    """The fingerprint over one of the film's own recordings."""
    return Laid(material, recording.soundtrack, recording.rate, recording.offset_s)


def measure(material: Material, sides: Sides, quick: bool) -> None:
    """Fill the rows of the tier, but those of `measure_movies`."""
    copies = material.copies[:1] if quick else material.copies
    _searched(material, copies, sides)
    _judged(material, copies, sides)
    _moved(material, sides, quick)
    _dubbed(material, sides)
    for right, soundtrack in [*((True, copy.soundtrack) for copy in copies), (False, material.other)]:
        verdicts = matching.by_fingerprint(material.dialogues, material.reference, soundtrack).verdicts
        share = [float(np.mean([isinstance(verdict, Placed) for verdict in verdicts.values()]))]
        sides.add("placed-share", right=share if right else (), wrong=() if right else share)


def _searched(material: Material, copies: Sequence[Recorded], sides: Sides) -> None:
    windows = matching._windows(material.dialogues, material.reference, limits.WINDOW_S)

    def hits(soundtrack: Soundtrack, rate: float) -> list[Hit]:
        searchable, reference = Searchable(changes_of(soundtrack, rate)), material.reference
        return [searchable.find(reference.times[window], reference.signs[window], rate) for window in windows]

    def clear(matches: list[Hit]) -> list[float]:
        return [hit.score / max(hit.second, 1e-6) for hit in matches]

    for copy in copies:
        matches = hits(copy.soundtrack, copy.rate)
        sides.add("hit-score", right=[hit.score for hit in matches])
        sides.add("hit-clear", right=clear(matches))
    matches = hits(material.other, 1.0)
    sides.add("hit-score", wrong=[hit.score for hit in matches])
    sides.add("hit-clear", wrong=clear(matches))


def _judged(material: Material, copies: Sequence[Recorded], sides: Sides) -> None:
    """Dialogues where they are and in other places, and whole recordings: copies, a dub, another film."""
    for copy in copies:
        place = laid(material, copy)
        right = place.heard()
        wrong = [heard for aside_s in ELSEWHERE_S for heard in place.heard(aside_s=aside_s)]
        aside = [heard for sign in (-1, 1) for heard in place.heard(aside_s=sign * ASIDE_S)]
        wander = float(np.median([abs(heard.shift_s) for heard in right]))
        sides.add("speech-typical", right=[float(np.median([heard.loud for heard in right]))])
        sides.add("other-voice", right=[heard.pauses - heard.loud for heard in right if heard.pauses is not None])
        sides.add(
            "speech-least",
            right=[min(heard.speech, heard.loud) for heard in right],
            wrong=[min(heard.speech, heard.loud) for heard in wrong],
        )
        sides.add("speech-nats", right=[heard.nats for heard in right], wrong=[heard.nats for heard in wrong])
        sides.add("foreign-nats", right=[heard.foreign for heard in right])
        sides.add("halves-apart", right=[abs(heard.apart_s) for heard in right])
        sides.add("halves-errors", right=[_errors(heard) for heard in right])
        sides.add(
            "beside-place", right=[abs(heard.shift_s) for heard in right], wrong=[abs(heard.shift_s) for heard in aside]
        )
        for side, listened in (("right", right), ("wrong", aside)):
            beyond = [(abs(heard.shift_s) - limits.ASIDE_S) / max(heard.spread_s, wander) for heard in listened]
            sides.add("beside-errors", **{side: beyond})
    dub = laid(material, material.dub).heard()
    sides.add("speech-typical", wrong=[float(np.median([heard.loud for heard in dub]))])
    sides.add("other-voice", wrong=[heard.pauses - heard.loud for heard in dub if heard.pauses is not None])
    stranger = Laid(material, material.other, 1.0, 0.0).heard()
    sides.add("speech-typical", wrong=[float(np.median([heard.loud for heard in stranger]))])


def _errors(heard: judging._Heard) -> float:
    return abs(heard.apart_s) / max(heard.apart_error_s, 1e-9)


def _moved(material: Material, sides: Sides, quick: bool) -> None:
    """Dialogues half replaced, and with a little put in."""
    replaced, numbers = material.half_replaced()
    sides.add("foreign-nats", wrong=[heard.foreign for heard in laid(material, replaced).heard(numbers=numbers)])
    for number in range(2, len(material.dialogues), len(material.dialogues) // (2 if quick else 6)):
        heard = laid(material, material.inserted(number, INSERTED_S)).heard(numbers=[number])[0]
        sides.add("halves-apart", wrong=[abs(heard.apart_s)])
        sides.add("halves-errors", wrong=[_errors(heard)])


def _dubbed(material: Material, sides: Sides) -> None:
    """Pauses of the film sought in its dub, and in another film."""
    windows, reference = dubs._pauses(material.dialogues, material.reference), material.reference
    for side, soundtrack, hypotheses in (
        ("right", material.dub.soundtrack, dubs._HYPOTHESES[:1]),
        ("wrong", material.other, dubs._HYPOTHESES),
    ):
        most = 0
        for rate, pitch in hypotheses:
            searchable = Searchable(changes_of(soundtrack, pitch))
            hits = [searchable.find(reference.times[window], reference.signs[window], rate) for window in windows]
            sides.add("dub-score", **{side: [hit.score for hit in hits]})
            sides.add("dub-clear", **{side: [hit.score / max(hit.second, 1e-6) for hit in hits]})
            offsets = [
                hit.found_s * rate - hit.at_s
                for hit in hits
                if hit.score >= limits.DUB_LEAST and hit.score >= limits.DUB_CLEAR * hit.second
            ]
            rows = [sum(abs(offset - neighbour) < limits.DUB_SAME_S for neighbour in offsets) for offset in offsets]
            most = max([most, *rows])
        sides.add("dub-hits", **{side: [most]})


def measure_movies(materials: Sequence[Material], sides: Sides, quick: bool) -> None:
    """Excerpts of each film's recordings, in a library that has the film, and in one that has the others only."""
    library = {f"film {material.film.seed}": material.reference for material in materials}
    library |= {
        f"other {material.film.seed}": TimingFingerprint.of(material.other)
        for material in (materials[:1] if quick else materials)
    }
    for material in materials:
        title = f"film {material.film.seed}"
        for copy in material.copies[:1] if quick else material.copies:
            excerpts = _excerpts(copy.soundtrack)
            sides.add("movie-score", right=[_best({title: material.reference}, excerpts)])
            strangers = {name: reference for name, reference in library.items() if name != title}
            sides.add("movie-score", wrong=[_best(strangers, excerpts)])


def _excerpts(soundtrack: Soundtrack) -> list[Soundtrack]:
    """Three excerpts around the quarters, as `excerpts_of` takes them from a file."""
    half = int(content._EXCERPT_S * FRAME_RATE / 2)
    middles = [len(soundtrack.levels) * n // (content._EXCERPTS + 1) for n in range(1, content._EXCERPTS + 1)]
    slices = [slice(max(0, middle - half), middle + half) for middle in middles]
    return [Soundtrack(soundtrack.levels[part], soundtrack.voice[part]) for part in slices]


def _best(library: Mapping[str, TimingFingerprint], excerpts: Sequence[Soundtrack]) -> float:
    """The best score of any movie; a little more than `identify` gives, as excerpts need not agree on a speed here."""
    index = content.ContentIndex(library)
    scores: dict[int, float] = {}
    for excerpt in excerpts:
        best: dict[int, float] = {}
        for search in content._SEARCHES:
            for match in index._matches(excerpt, search):
                best[match.movie] = max(best.get(match.movie, 0.0), content._score(match))
        for movie, score in best.items():
            scores[movie] = scores.get(movie, 0.0) + score**2
    return float(np.sqrt(max(scores.values(), default=0.0)))
