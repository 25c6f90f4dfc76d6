"""The strongest evidence after a passport: the sound that the release brings of each dialogue, found in a recording.

Each sound is sought everywhere by itself. Those with movie times must then lie on a way through the recording, piece by
piece; those without are where they are found. A dialogue without a usable sound is placed by its neighbours, where
nothing is cut between them or where the voices there fit its cues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.dialogue_sounds import DialogueSound, SoundFiles, hear_pauses, hear_sounds
from mmdia_dataset.alignment.by_audio.sound_likelihood import SoundLikelihood
from mmdia_dataset.alignment.by_audio.sound_path import SoundStop, Stretch, best_path, stretches_of
from mmdia_dataset.alignment.by_audio.sound_search import SoundSearch
from mmdia_dataset.alignment.by_audio.sound_speed import (
    FoundSound,
    drift_of,
    find_sound_speed,
    found_sound,
)
from mmdia_dataset.alignment.by_audio.unheard import VoicesAtCues
from mmdia_dataset.alignment.by_fingerprint.judging import DUB
from mmdia_dataset.alignment.evidence import Alignment, NotPlaced, Placed, Verdict, known_rate
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Piece, Span, TimeMap, format_timestamp

__all__ = ["by_audio"]


_REACH = 3  # frames


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """All sounds with their places in one recording, at its exact speed."""

    search: SoundSearch
    rate: float
    sounds: dict[str, DialogueSound]
    places: dict[str, tuple[FoundSound, ...]]

    def clear(self, id_: str) -> FoundSound | None:
        """Where a sound surely is, by itself."""
        first, *others = self.places.get(id_, ()) or (None,)
        if first is None or first.strength < limits.FOUND:
            return None
        return first if not others or first.strength >= limits.CLEAR * others[0].strength else None


@dataclass(slots=True)
class _Verdicts:
    """What is known so far: a verdict each, the movie's spans of dialogues without one, and sounds that are wrong."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def refuse(self, id_: str, rule: Refusal, detail: str) -> None:
        self.verdicts[id_] = NotPlaced(Reason(rule=rule, detail=detail))

    @property
    def placed(self) -> dict[str, Placed]:
        return {id_: verdict for id_, verdict in self.verdicts.items() if isinstance(verdict, Placed)}


def by_audio(
    dialogues: Sequence[Dialogue],
    files: Mapping[str, SoundFiles],
    soundtrack: Soundtrack,
    movie_map: TimeMap | None = None,
) -> Alignment:
    """Align a recording with a movie by the sounds of its dialogues.

    Args:
        dialogues: of the movie, with times in it or without.
        files: the sounds that the release has, by the dialogue's id.
        soundtrack: the recording's.
        movie_map: how the recording's time runs, if that is known already: dialogues without movie times get theirs
            by it.

    Returns:
        The alignment; `spans` has the movie times of dialogues that had none, `wrong_sounds` what is wrong with the
        release's sounds.
    """
    ids = tuple(dialogue.id for dialogue in dialogues)
    dialogues = sorted(dialogues, key=lambda dialogue: (dialogue.timeline, dialogue.span, dialogue.number))
    heard, wrong = hear_sounds(dialogues, files)

    def nothing(rule: Refusal, detail: str) -> Alignment:
        alignment = Alignment.nothing("audio", ids, Reason(rule=rule, detail=detail))
        return replace(alignment, wrong_sounds=wrong)

    if not heard:
        return nothing(Refusal.TOO_LITTLE_EVIDENCE, "none of the sounds that the release has of this movie can be used")
    if not soundtrack.levels.any():
        return nothing(Refusal.TOO_LITTLE_EVIDENCE, "the recording's sound track is silent")
    found = _find(heard, soundtrack)
    if found is None:
        return nothing(*_other(dialogues, files, soundtrack))
    verdicts = _Verdicts(wrong=dict(wrong))
    timed = [dialogue for dialogue in dialogues if dialogue.timeline == "movie"]
    stops = _stops(timed, found)
    path = best_path(stops, found.rate)
    exact = _exact_rate(stops, path, found.rate)
    if exact != found.rate:
        found = _at_rate(found, exact)
        stops = _stops(timed, found)
        path = best_path(stops, exact)
    stretches = stretches_of(stops, path, found.rate)
    _judge_timed(timed, stretches, found, verdicts)
    _name_wrong(timed, stretches, found, verdicts)
    _place_unheard(timed, stretches, found, soundtrack, verdicts)
    pieces = _pieces(timed, stretches, found.rate, verdicts) if movie_map is None else movie_map.pieces
    untimed = [dialogue for dialogue in dialogues if dialogue.timeline != "movie"]
    _judge_untimed(untimed, found, verdicts)
    time_map = _with_untimed(untimed, pieces, found, soundtrack.duration_s, verdicts)
    if not verdicts.placed:
        return nothing(*_other(dialogues, files, soundtrack))
    if _is_dub(dialogues, files, found, verdicts):
        return nothing(Refusal.OTHER_LANGUAGE, DUB)
    return _alignment(ids, time_map, verdicts)


def _other(
    dialogues: Sequence[Dialogue], files: Mapping[str, SoundFiles], soundtrack: Soundtrack
) -> tuple[Refusal, str]:
    """What a recording without the dialogues is: a dub plays what lies between the lines, another film does not."""
    share = max(1, len(dialogues) // (2 * limits.PROBES))
    pauses = list(hear_pauses(dialogues[::share], files))
    if find_sound_speed(pauses, soundtrack, limits.DUB_SHARE) is not None:
        return Refusal.OTHER_LANGUAGE, DUB
    return Refusal.OTHER_MOVIE, "none of the movie's dialogues is heard in this recording"


def _is_dub(dialogues: Sequence[Dialogue], files: Mapping[str, SoundFiles], found: _Found, verdicts: _Verdicts) -> bool:
    """Whether dialogues were placed by their music: then it agrees where they are, and their lines do not."""
    mixed = [d for d in dialogues if d.id in verdicts.placed and d.id in found.sounds and found.sounds[d.id].has_music]
    share = max(1, len(mixed) // (2 * limits.PROBES))
    better: list[float] = []
    for pauses in hear_pauses(mixed[::share], files):
        start_s = verdicts.placed[pauses.id].start_s
        lines, between = (
            found.search.peak(sound, found.rate, start_s, _REACH).score for sound in (found.sounds[pauses.id], pauses)
        )
        better.append(between - lines)
    return bool(better) and float(np.median(better)) > limits.OTHER_VOICE


def _find(heard: Mapping[str, DialogueSound], soundtrack: Soundtrack) -> _Found | None:
    """Every sound's places, None if too few are heard at any speed."""
    sounds = list(heard.values())
    speed = find_sound_speed(sounds, soundtrack)
    if speed is None:
        return None
    search = SoundSearch(soundtrack, speed.pitch, max(sound.length_s for sound in sounds) / speed.rate)
    places = {
        sound.id: tuple(
            found_sound(search, sound, speed.rate, hit.start_s, hit.strength)
            for hit in search.hits(sound, speed.rate)
            if hit.strength >= limits.NEAR
        )
        for sound in sounds
    }
    found = _Found(search=search, rate=speed.rate, sounds=dict(heard), places=places)
    clear = [(sound, place) for sound in sounds if (place := found.clear(sound.id)) is not None]
    return _at_rate(found, drift_of(search, clear, speed.rate)) if clear else None


def _at_rate(found: _Found, rate: float) -> _Found:
    """The same at a speed that differs little: the middles of sounds stay where they are."""
    places: dict[str, tuple[FoundSound, ...]] = {}
    for id_, before in found.places.items():
        sound = found.sounds[id_]
        half_s = sound.length_s / 2
        moved_s = half_s / found.rate - half_s / rate
        places[id_] = tuple(
            found_sound(found.search, sound, rate, place.start_s + moved_s, place.strength) for place in before
        )
    return replace(found, rate=rate, places=places)


def _stops(dialogues: Sequence[Dialogue], found: _Found) -> list[SoundStop]:
    longer = {
        dialogue.id: found.sounds[dialogue.id].length_s - dialogue.span.duration_ms / 1000
        for dialogue in dialogues
        if dialogue.id in found.sounds
    }
    usual = float(np.median(list(longer.values()))) if longer else 0.0
    return [
        SoundStop(
            id=dialogue.id,
            span=dialogue.span,
            places=found.places[dialogue.id],
            trusted=abs(longer[dialogue.id] - usual) <= limits.LENGTH_S,
        )
        for dialogue in dialogues
        if dialogue.id in longer
    ]


def _exact_rate(stops: Sequence[SoundStop], path: Mapping[str, FoundSound], rate: float) -> float:
    """The speed at which dialogues of one stretch lie as far apart as in the movie; the present one if that will do."""
    groups: list[list[tuple[float, float]]] = []
    last: tuple[float, float] | None = None
    for stop in stops:
        if stop.id not in path:
            continue
        point = (stop.span.start_ms / 1000, path[stop.id].start_s)
        drift_s = 0.0 if last is None else (point[1] - last[1]) * rate - (point[0] - last[0])
        if last is None or abs(drift_s) > limits.ALIKE_S + 3e-4 * abs(point[0] - last[0]):
            groups.append([])
        groups[-1].append(point)
        last = point
    x: list[float] = []
    y: list[float] = []
    for group in groups:
        if len(group) >= 3:
            movie_s, recording_s = np.array(group).T
            x += list(movie_s - movie_s.mean())
            y += list(recording_s - np.median(recording_s - movie_s / rate) - movie_s.mean() / rate)
    if len(x) < 4:
        return rate
    movie_s, recording_s = np.array(x), np.array(y)
    beside = recording_s - movie_s / rate
    good = np.abs(beside) <= max(0.006, 4 * 1.4826 * float(np.median(np.abs(beside))))
    squares = float((movie_s[good] ** 2).sum())
    slope = float((movie_s[good] * beside[good]).sum()) / max(squares, 1e-9)
    error = float(np.sqrt(((beside - slope * movie_s)[good] ** 2).mean() / max(squares, 1e-9)))
    if abs(slope) < 4 * error or abs(slope) * float(np.ptp(movie_s)) < 0.003:
        return rate
    return float(known_rate(1 / (1 / rate + slope), max(4 * error, 1e-7)))


def _judge_timed(
    dialogues: Sequence[Dialogue], stretches: Sequence[Stretch], found: _Found, verdicts: _Verdicts
) -> None:
    """A verdict for each dialogue on the way."""
    span_of = {dialogue.id: dialogue.span for dialogue in dialogues}
    starts = {
        id_: (span_of[id_].start_ms / 1000 + stretch.offset_s) / found.rate
        for stretch in stretches
        for id_ in stretch.ids
    }
    likelihood = SoundLikelihood(
        found.search, found.rate, [(found.sounds[id_], start) for id_, start in starts.items()]
    )
    for stretch in stretches:
        for id_ in stretch.ids:
            verdicts.verdicts[id_] = _verdict(id_, starts[id_], stretch.error_s / found.rate, found, likelihood)


def _verdict(id_: str, start_s: float, error_s: float, found: _Found, likelihood: SoundLikelihood) -> Verdict:
    """Whether a dialogue's sound is at a place as a whole."""
    sound, place = found.sounds[id_], found.places[id_][0]
    nats = likelihood.blocks(sound, start_s)
    sums = np.concatenate([[0.0], np.cumsum(nats)])
    against = np.maximum.accumulate(sums) - sums
    if float(sums[-1]) < limits.ENOUGH_NATS:
        return NotPlaced(Reason(rule=Refusal.ABSENT, detail="its sound is not heard where it should be"))
    if float(against.max()) > limits.PART_NATS:
        when = format_timestamp(max(0, round((start_s + 0.25 * int(np.argmax(against))) * 1000)))
        detail = f"part of its sound is not heard (before {when} in your recording): something is cut out or added"
        return NotPlaced(Reason(rule=Refusal.SPLICE, detail=detail))
    apart_s, apart_error_s = _apart(sound, start_s, found)
    if abs(apart_s) > max(limits.APART_S, 5 * apart_error_s):
        detail = f"{abs(apart_s) * 1000:.0f} ms are cut out or added in the middle of this dialogue"
        return NotPlaced(Reason(rule=Refusal.SPLICE, detail=detail))
    spread_s = min(place.spread_s for place in found.places[id_])
    bound = limits.LEAST_ERROR_S + 3 * error_s + 2 * spread_s
    return Placed(start_s, bound * 1000, float(np.clip(place.strength / 20, 0, 1)))


def _apart(sound: DialogueSound, start_s: float, found: _Found) -> tuple[float, float]:
    """How far the places of a sound's halves differ, and the standard error of that [s]."""
    used = np.flatnonzero(sound.heard)
    peaks = [
        found.search.peak(sound.part(int(half[0]), int(half[-1]) + 1), found.rate, start_s, 12)
        for half in np.array_split(used, 2)
    ]
    if min(peak.score for peak in peaks) < 0.2:
        return 0.0, 1.0
    return peaks[1].start_s - peaks[0].start_s, float(np.hypot(peaks[0].spread_s, peaks[1].spread_s))


def _name_wrong(
    dialogues: Sequence[Dialogue], stretches: Sequence[Stretch], found: _Found, verdicts: _Verdicts
) -> None:
    """Name sounds that are heard where another dialogue is, or nowhere although their neighbours go on."""
    by_id = {dialogue.id: dialogue for dialogue in dialogues}
    owners = [
        (verdict.start_s, verdict.start_s + by_id[id_].span.duration_ms / 1000 / found.rate, id_)
        for id_, verdict in verdicts.placed.items()
        if id_ in by_id
    ]
    on_way = {id_ for stretch in stretches for id_ in stretch.ids}
    for dialogue in dialogues:
        if dialogue.id not in found.sounds or dialogue.id in on_way:
            continue
        place = found.clear(dialogue.id)
        if place is None:
            continue
        middle = place.start_s + found.sounds[dialogue.id].length_s / 2 / found.rate
        owner = next((id_ for start, end, id_ in owners if start <= middle <= end and id_ != dialogue.id), None)
        if owner is not None:
            verdicts.wrong[dialogue.id] = f"is that of {owner}"
        else:
            when = format_timestamp(max(0, round(place.start_s * 1000)))
            verdicts.wrong[dialogue.id] = f"is heard at {when} in the recording, where this dialogue can't be"


def _place_unheard(
    dialogues: Sequence[Dialogue],
    stretches: Sequence[Stretch],
    found: _Found,
    soundtrack: Soundtrack,
    verdicts: _Verdicts,
) -> None:
    """Place dialogues without a usable sound by their neighbours."""
    voices: VoicesAtCues | None = None
    for dialogue in dialogues:
        if dialogue.id in verdicts.verdicts:
            continue
        span = dialogue.span
        before = max((s for s in stretches if s.from_ms <= span.start_ms), key=lambda s: s.from_ms, default=None)
        after = min((s for s in stretches if s.to_ms >= span.end_ms), key=lambda s: s.to_ms, default=None)
        usable = dialogue.id in found.sounds and dialogue.id not in verdicts.wrong
        candidates = list({id(s): s for s in (before, after) if s is not None}.values())
        if not candidates:
            verdicts.refuse(dialogue.id, Refusal.TOO_LITTLE_EVIDENCE, "no dialogue near it is heard in your recording")
            continue
        if before is after and not usable:
            verdicts.verdicts[dialogue.id] = _by_neighbours(dialogue, candidates[0], found.rate)
            continue
        voices = voices or VoicesAtCues(soundtrack)
        fits = [(voices.clearness(dialogue, s.offset_s, found.rate), s) for s in candidates]
        (clearness, stretch), *others = sorted(fits, key=lambda fit: -fit[0])
        sure = clearness >= limits.VOICE_CLEAR and all(clearness - fit[0] >= limits.VOICE_APART for fit in others)
        if sure and (not usable or before is after):
            verdicts.verdicts[dialogue.id] = _by_neighbours(dialogue, stretch, found.rate)
            if usable:
                verdicts.wrong[dialogue.id] = "is not heard where this dialogue is"
        elif usable:
            verdicts.refuse(dialogue.id, Refusal.ABSENT, "its sound is not heard in your recording")
        else:
            detail = "the release has no usable sound of it, and a cut in your edition is near"
            verdicts.refuse(dialogue.id, Refusal.TOO_LITTLE_EVIDENCE, detail)


def _by_neighbours(dialogue: Dialogue, stretch: Stretch, rate: float) -> Verdict:
    start_s = (dialogue.span.start_ms / 1000 + stretch.offset_s) / rate
    if start_s < 0:
        return NotPlaced(Reason(rule=Refusal.ABSENT, detail="this dialogue lies outside your recording"))
    bound = limits.LEAST_ERROR_S + limits.MAP_ERROR_S + 3 * stretch.error_s
    return Placed(start_s, bound * 1000, 0.5)


def _pieces(
    dialogues: Sequence[Dialogue], stretches: Sequence[Stretch], rate: float, verdicts: _Verdicts
) -> list[Piece]:
    """The stretches as pieces, each long enough for the whole of the dialogues placed by it."""
    edges = [[stretch.from_ms, stretch.to_ms] for stretch in stretches]
    for dialogue in dialogues:
        verdict = verdicts.verdicts.get(dialogue.id)
        if isinstance(verdict, Placed):
            offset_s = verdict.start_s * rate - dialogue.span.start_ms / 1000
            edge = edges[int(np.argmin([abs(stretch.offset_s - offset_s) for stretch in stretches]))]
            edge[0], edge[1] = min(edge[0], dialogue.span.start_ms), max(edge[1], dialogue.span.end_ms)
    exact = known_rate(rate, 1e-9)
    pieces: list[Piece] = []
    for (from_ms, to_ms), stretch in zip(edges, stretches, strict=True):
        start = max(from_ms, pieces[-1].to_ms) if pieces else from_ms
        if to_ms + 1 > start:
            pieces.append(Piece(start, to_ms + 1, exact, Fraction(round(stretch.offset_s * 1_000_000), 1000)))
    return pieces


def _judge_untimed(dialogues: Sequence[Dialogue], found: _Found, verdicts: _Verdicts) -> None:
    """Where dialogues without movie times are: wherever their sounds are."""
    places = {dialogue.id: place for dialogue in dialogues if (place := found.clear(dialogue.id)) is not None}
    likelihood = SoundLikelihood(
        found.search, found.rate, [(found.sounds[id_], p.start_s) for id_, p in places.items()]
    )
    longer = {d.id: found.sounds[d.id].length_s - d.span.duration_ms / 1000 for d in dialogues if d.id in places}
    usual = float(np.median(list(longer.values()))) if longer else 0.0
    # Those whose sound is as long as it should be come first: a place is theirs.
    taken: list[tuple[float, float, str]] = []
    for dialogue in sorted(dialogues, key=lambda d: (abs(longer.get(d.id, 0.0) - usual) > limits.LENGTH_S, d.number)):
        id_, place = dialogue.id, places.get(dialogue.id)
        if place is None:
            has_sound = id_ in found.sounds and id_ not in verdicts.wrong
            detail = (
                "its sound is not heard in your recording" if has_sound else "the release has no usable sound of it"
            )
            verdicts.refuse(id_, Refusal.ABSENT if has_sound else Refusal.NO_MOVIE_TIME, detail)
            continue
        end_s = place.start_s + dialogue.span.duration_ms / 1000 / found.rate
        owner = next(
            (o for s, e, o in taken if min(e, end_s) - max(s, place.start_s) > min(e - s, end_s - place.start_s) / 2),
            None,
        )
        if owner is not None or abs(longer[id_] - usual) > limits.LENGTH_S:
            verdicts.wrong[id_] = f"is that of {owner}" if owner else "is not as long as the dialogue"
            verdicts.refuse(id_, Refusal.NO_MOVIE_TIME, f"the release's sound of it {verdicts.wrong[id_]}")
            continue
        taken.append((place.start_s, end_s, id_))
        verdict = _verdict(id_, place.start_s, place.spread_s, found, likelihood)
        if isinstance(verdict, Placed) and place.start_s < 0:
            verdict = NotPlaced(Reason(rule=Refusal.ABSENT, detail="this dialogue lies outside your recording"))
        verdicts.verdicts[id_] = verdict


def _with_untimed(
    dialogues: Sequence[Dialogue], pieces: Sequence[Piece], found: _Found, duration_s: float, verdicts: _Verdicts
) -> TimeMap:
    """Give dialogues without movie times the ones they have by the map; without a map, those of the recording."""
    rate = known_rate(found.rate, 1e-9)
    placed = [(dialogue, verdicts.placed[dialogue.id]) for dialogue in dialogues if dialogue.id in verdicts.placed]
    if not pieces and placed:
        pieces = [Piece(0, round(duration_s * float(rate) * 1000) + 60_000, rate, Fraction(0))]
    edges = [[piece.from_ms, piece.to_ms] for piece in pieces]
    for dialogue, verdict in placed:
        number = int(np.argmin([_away(piece, verdict.start_s) for piece in pieces]))
        piece, edge = pieces[number], edges[number]
        start_ms = round(verdict.start_s * 1000 * float(piece.rate) - float(piece.offset_ms))
        span = Span(start_ms, start_ms + dialogue.span.duration_ms)
        wider = [min(edge[0], span.start_ms), max(edge[1], span.end_ms + 1)]
        if wider[0] < (edges[number - 1][1] if number else 0) or (
            number + 1 < len(edges) and wider[1] > edges[number + 1][0]
        ):
            detail = "it is heard in a scene that the movie's annotated edition does not have"
            verdicts.refuse(dialogue.id, Refusal.NO_MOVIE_TIME, detail)
            continue
        edges[number] = wider
        verdicts.spans[dialogue.id] = span
    return TimeMap(
        tuple(Piece(start, end, piece.rate, piece.offset_ms) for (start, end), piece in zip(edges, pieces, strict=True))
    )


def _away(piece: Piece, recording_s: float) -> float:
    """How far a moment of the recording lies outside a piece [s]."""
    start, end = float(piece.recording_s(piece.from_ms)), float(piece.recording_s(piece.to_ms))
    return max(0.0, start - recording_s, recording_s - end)


def _alignment(ids: tuple[str, ...], time_map: TimeMap, verdicts: _Verdicts) -> Alignment:
    placed = list(verdicts.placed.values())
    reason = None
    if not placed:
        detail = "none of the movie's dialogues could be found in this recording by its sound"
        reason = Reason(rule=Refusal.OTHER_MOVIE, detail=detail)
    return Alignment(
        tier="audio",
        time_map=time_map if placed else TimeMap(()),
        verdicts={id_: verdicts.verdicts[id_] for id_ in ids},
        error_ms=max((verdict.error_ms for verdict in placed), default=None),
        confidence=float(np.median([verdict.confidence for verdict in placed])) if placed else 0.0,
        reason=reason,
        spans=verdicts.spans,
        wrong_sounds=verdicts.wrong,
    )
