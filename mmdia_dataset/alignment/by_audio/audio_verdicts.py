"""What is said of each dialogue, once its sound has been found or missed: where it is, or why it is refused."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.dialogue_sounds import DialogueSound, doubted
from mmdia_dataset.alignment.by_audio.found_sounds import FoundSounds
from mmdia_dataset.alignment.by_audio.sound_likelihood import SoundLikelihood
from mmdia_dataset.alignment.by_audio.sound_path import SoundStretch
from mmdia_dataset.alignment.by_audio.unheard import VoicesAtCues
from mmdia_dataset.alignment.evidence import NotPlaced, Placed, Verdict
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Span, format_timestamp

__all__ = ["SoundVerdicts", "judge_timed", "judge_untimed", "name_wrong", "place_unheard"]


@dataclass(slots=True)
class SoundVerdicts:
    """What is known so far: a verdict each, the movie's spans of dialogues without one, and sounds that are wrong."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def refuse(self, id_: str, rule: Refusal, detail: str) -> None:
        """Say of a dialogue why it is not placed."""
        self.verdicts[id_] = NotPlaced(Reason(rule=rule, detail=detail))

    @property
    def placed(self) -> dict[str, Placed]:
        """The dialogues placed so far."""
        return {id_: verdict for id_, verdict in self.verdicts.items() if isinstance(verdict, Placed)}


def judge_timed(
    dialogues: Sequence[Dialogue], stretches: Sequence[SoundStretch], found: FoundSounds, verdicts: SoundVerdicts
) -> None:
    """A verdict for each dialogue on the way."""
    span_of = {dialogue.id: dialogue.span for dialogue in dialogues}
    starts = {id_: stretch.interval_s(span_of[id_], found.rate)[0] for stretch in stretches for id_ in stretch.ids}
    likelihood = SoundLikelihood(
        found.search, found.rate, [(found.sounds[id_], start) for id_, start in starts.items()]
    )
    for stretch in stretches:
        for id_ in stretch.ids:
            verdicts.verdicts[id_] = _verdict(id_, starts[id_], stretch.error_s / found.rate, found, likelihood)


def judge_untimed(dialogues: Sequence[Dialogue], found: FoundSounds, verdicts: SoundVerdicts) -> None:
    """Where dialogues without movie times are: wherever their sounds are."""
    places = {dialogue.id: place for dialogue in dialogues if (place := found.clear(dialogue.id)) is not None}
    likelihood = SoundLikelihood(
        found.search, found.rate, [(found.sounds[id_], p.start_s) for id_, p in places.items()]
    )
    odd_length = doubted((dialogue for dialogue in dialogues if dialogue.id in places), found.sounds)
    # Those whose sound is as long as it should be come first: a place is theirs.
    taken: list[tuple[float, float, str]] = []
    for dialogue in sorted(dialogues, key=lambda dialogue: (dialogue.id in odd_length, dialogue.number)):
        id_, place = dialogue.id, places.get(dialogue.id)
        if place is None:
            has_sound = id_ in found.sounds and id_ not in verdicts.wrong
            detail = (
                "its sound is not heard in your recording" if has_sound else "the release has no usable sound of it"
            )
            verdicts.refuse(id_, Refusal.ABSENT if has_sound else Refusal.NO_MOVIE_TIME, detail)
            continue
        _, end_s = _interval(dialogue, place.start_s, found.rate)
        owner = next(
            (o for s, e, o in taken if min(e, end_s) - max(s, place.start_s) > min(e - s, end_s - place.start_s) / 2),
            None,
        )
        if owner is not None or id_ in odd_length:
            verdicts.wrong[id_] = f"is that of {owner}" if owner else "is not as long as the dialogue"
            verdicts.refuse(id_, Refusal.NO_MOVIE_TIME, f"the release's sound of it {verdicts.wrong[id_]}")
            continue
        taken.append((place.start_s, end_s, id_))
        verdict = _verdict(id_, place.start_s, place.spread_s, found, likelihood)
        if isinstance(verdict, Placed) and place.start_s < 0:
            verdict = NotPlaced(Reason(rule=Refusal.ABSENT, detail="this dialogue lies outside your recording"))
        verdicts.verdicts[id_] = verdict


def name_wrong(
    dialogues: Sequence[Dialogue],
    stretches: Sequence[SoundStretch],
    found: FoundSounds,
    odd_length: Container[str],
    verdicts: SoundVerdicts,
) -> None:
    """Name sounds that are heard where another dialogue is, or nowhere and are not as long as theirs.

    Args:
        dialogues: those with movie times.
        stretches: the way through the recording.
        found: all sounds.
        odd_length: dialogues whose sounds have another length than they should.
        verdicts: what is said of them so far.
    """
    by_id = {dialogue.id: dialogue for dialogue in dialogues}
    owners = [(*_interval(by_id[id_], verdict.start_s, found.rate), id_) for id_, verdict in verdicts.placed.items()]
    on_way = {id_ for stretch in stretches for id_ in stretch.ids}
    for dialogue in dialogues:
        if dialogue.id not in found.sounds or dialogue.id in on_way:
            continue
        place = found.clear(dialogue.id)
        if place is None:
            if dialogue.id in odd_length:
                verdicts.wrong[dialogue.id] = "is not as long as the dialogue"
            continue
        middle = place.start_s + found.sounds[dialogue.id].length_s / 2 / found.rate
        owner = next((id_ for start, end, id_ in owners if start <= middle <= end and id_ != dialogue.id), None)
        if owner is not None:
            verdicts.wrong[dialogue.id] = f"is that of {owner}"
        else:
            when = format_timestamp(max(0, round(place.start_s * 1000)))
            verdicts.wrong[dialogue.id] = f"is heard at {when} in the recording, where this dialogue can't be"


def place_unheard(
    dialogues: Sequence[Dialogue],
    stretches: Sequence[SoundStretch],
    found: FoundSounds,
    soundtrack: Soundtrack,
    verdicts: SoundVerdicts,
) -> None:
    """Place dialogues without a usable sound by their neighbours, where nothing else is heard."""
    voices: VoicesAtCues | None = None
    by_id = {dialogue.id: dialogue for dialogue in dialogues}
    taken = [_interval(by_id[id_], verdict.start_s, found.rate) for id_, verdict in verdicts.placed.items()]
    for dialogue in dialogues:
        if dialogue.id in verdicts.verdicts:
            continue
        span = dialogue.span
        before = max((s for s in stretches if s.from_ms <= span.start_ms), key=lambda s: s.from_ms, default=None)
        after = min((s for s in stretches if s.to_ms >= span.end_ms), key=lambda s: s.to_ms, default=None)
        usable = dialogue.id in found.sounds and dialogue.id not in verdicts.wrong
        near = (s for s in (before, after) if s is not None and _beyond_s(dialogue, s) <= limits.BEYOND_S)
        candidates = list({id(s): s for s in near}.values())
        if not candidates:
            verdicts.refuse(dialogue.id, Refusal.TOO_LITTLE_EVIDENCE, "no dialogue near it is heard in your recording")
            continue
        if before is after and not usable:
            verdicts.verdicts[dialogue.id] = _by_neighbours(dialogue, candidates[0], found.rate)
            continue
        candidates = [s for s in candidates if _is_free(dialogue, s, found.rate, taken, soundtrack.duration_s)]
        if not candidates:
            detail = "where it would be, your edition has something else, or ends"
            verdicts.refuse(dialogue.id, Refusal.ABSENT, detail)
            continue
        voices = voices or VoicesAtCues(soundtrack)
        fits = [(voices.clearness(dialogue, s.offset_s, found.rate), s) for s in candidates]
        (clearness, stretch), *others = sorted(fits, key=lambda fit: -fit[0])
        least = limits.VOICE_SURE if _is_cut(before, after) else limits.VOICE_CLEAR
        sure = clearness >= least and all(clearness - fit[0] >= limits.VOICE_APART for fit in others)
        if sure and (not usable or before is after):
            verdicts.verdicts[dialogue.id] = _by_neighbours(dialogue, stretch, found.rate)
            if usable:
                verdicts.wrong[dialogue.id] = "is not heard where this dialogue is"
        elif usable:
            verdicts.refuse(dialogue.id, Refusal.ABSENT, "its sound is not heard in your recording")
        else:
            detail = "the release has no usable sound of it, and a cut in your edition is near"
            verdicts.refuse(dialogue.id, Refusal.TOO_LITTLE_EVIDENCE, detail)


def _interval(dialogue: Dialogue, start_s: float, rate: float) -> tuple[float, float]:
    """Where a dialogue begins and ends in the recording [s]."""
    return start_s, start_s + dialogue.span.duration_ms / 1000 / rate


def _is_cut(before: SoundStretch | None, after: SoundStretch | None) -> bool:
    """Whether more is cut out than put in between two stretches, so that a dialogue there may be gone with it."""
    return before is not None and after is not None and before.offset_s - after.offset_s > limits.CUT_S


def _is_free(
    dialogue: Dialogue, stretch: SoundStretch, rate: float, taken: Sequence[tuple[float, float]], duration_s: float
) -> bool:
    """Whether the recording can play a dialogue where a stretch puts it: it is so long, and plays no other there."""
    start, end = stretch.interval_s(dialogue.span, rate)
    overlaps = (min(end, other_end) - max(start, other_start) for other_start, other_end in taken)
    return start >= 0 and end <= duration_s and max(overlaps, default=0.0) <= limits.OVERLAP_S


def _beyond_s(dialogue: Dialogue, stretch: SoundStretch) -> float:
    """How far a dialogue reaches before or after a stretch [s of movie time]."""
    return max(0, stretch.from_ms - dialogue.span.start_ms, dialogue.span.end_ms - stretch.to_ms) / 1000


def _by_neighbours(dialogue: Dialogue, stretch: SoundStretch, rate: float) -> Verdict:
    start_s, _ = stretch.interval_s(dialogue.span, rate)
    if start_s < 0:
        return NotPlaced(Reason(rule=Refusal.ABSENT, detail="this dialogue lies outside your recording"))
    drift_s = limits.DRIFT * _beyond_s(dialogue, stretch)
    bound = limits.LEAST_ERROR_S + limits.MAP_ERROR_S + 3 * stretch.error_s + drift_s
    return Placed(start_s, bound * 1000, 0.5)


def _verdict(id_: str, start_s: float, error_s: float, found: FoundSounds, likelihood: SoundLikelihood) -> Verdict:
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


def _apart(sound: DialogueSound, start_s: float, found: FoundSounds) -> tuple[float, float]:
    """How far the places of a sound's halves differ, and the standard error of that [s]."""
    used = np.flatnonzero(sound.heard)
    peaks = [
        found.search.peak(sound.part(int(half[0]), int(half[-1]) + 1), found.rate, start_s, 12)
        for half in np.array_split(used, 2)
    ]
    if min(peak.score for peak in peaks) < 0.2:
        return 0.0, 1.0
    return peaks[1].start_s - peaks[0].start_s, float(np.hypot(peaks[0].spread_s, peaks[1].spread_s))
