"""Dialogues placed by subtitles: films made of words and of noise that is loud where somebody speaks."""

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from mmdia_dataset.alignment.by_subtitles.subtitles import by_subtitles
from mmdia_dataset.alignment.by_subtitles.words import Text, aligned, tokens_of
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.alignment.soundtrack import BANDS, Soundtrack
from mmdia_dataset.media import Cue, SubtitleTrack
from mmdia_dataset.schema import Dialogue, Turn
from mmdia_dataset.timing import Span

PAL = 25 * 1001 / 24000
FREQUENT = [
    "the",
    "a",
    "of",
    "and",
    "to",
    "in",
    "you",
    "it",
    "that",
    "is",
    "was",
    "he",
    "for",
    "on",
    "are",
    "with",
    "as",
]
SHORT = ["Yes.", "No.", "What?", "I know.", "Come on."]


@dataclass(frozen=True)
class Line:
    """What is said, and when [s of movie time]."""

    start: float
    end: float
    words: str
    dialogue: int


def vocabulary(seed):
    rnd = random.Random(f"words {seed}")
    return [
        "".join(rnd.choice("bdfgklmnprstvz") + rnd.choice("aeiou") for _ in range(rnd.choice((2, 3))))
        for _ in range(400)
    ]


def script(seed=1, dialogues=24, words=None, joined=" "):
    """Lines of a film: dialogues of four to eight lines, pauses within and between."""
    rnd = random.Random(seed)
    rare = words or vocabulary("language")
    lines, time = [], 30.0
    for number in range(dialogues):
        for _ in range(rnd.randint(4, 8)):
            said = [rnd.choice(rare if rnd.random() < 0.6 else FREQUENT) for _ in range(rnd.randint(4, 10))]
            text = rnd.choice(SHORT) if rnd.random() < 0.15 and not words else joined.join(said).capitalize() + "."
            length = 0.4 + 0.06 * len(text) * (1 if joined else 3)
            lines.append(Line(time, time + length, text, number))
            time += length + rnd.choice((0.2, 0.5, 0.9, 1.6))
        time += rnd.uniform(4, 20)
    return lines


def annotations(lines, seed=1, lead=0.06, **fields):
    """The lines as annotated: times lead the speech a little, ends are late."""
    rnd = random.Random(f"annotated {seed}")
    found = []
    for number in sorted({line.dialogue for line in lines}):
        turns = []
        for index, line in enumerate(line for line in lines if line.dialogue == number):
            start = round((line.start - rnd.gauss(lead, lead)) * 1000)
            end = max(start + 200, round((line.end + rnd.uniform(0.02, 0.15)) * 1000))
            turns.append(Turn(speaker=None, span=Span(start, end), text=line.words, cue=index + 1))
        found.append(
            Dialogue(
                id=f"film_clip_{number}",
                movie="film",
                batch=None,
                number=number,
                timeline="movie",
                span=Span(turns[0].span.start_ms, turns[-1].span.end_ms),
                speakers=(),
                turns=tuple(turns),
                **fields,
            )
        )
    return found


def played(lines, pieces):
    """The lines in a recording: pieces are (from, to, shift, rate) in movie seconds; what lies in none is gone."""
    return [
        replace(line, start=(line.start + shift) / rate, end=(line.end + shift) / rate)
        for line in lines
        for begin, finish, shift, rate in pieces
        if begin <= line.start and line.end <= finish
    ]


def subtitles(lines, seed=1, late=0.0, name="film.srt", jitter=0.15):
    """Subtitles as found: lines joined, parted, left out; slips, sounds and names; times that jitter."""
    rnd = random.Random(f"subtitles {seed}")
    cues, queue = [], list(lines)
    while queue:
        line = queue.pop(0)
        chance = rnd.random()
        if chance < 0.08:
            continue
        if chance < 0.18 and queue and queue[0].start - line.end < 0.6:
            after = queue.pop(0)
            line = replace(line, end=after.end, words=f"- {line.words}\n- {after.words}")
        elif chance < 0.3 and line.words.count(" ") > 5:
            words = line.words.split()
            middle = line.start + (line.end - line.start) / 2
            queue.insert(0, replace(line, start=middle, words=" ".join(words[len(words) // 2 :])))
            line = replace(line, end=middle, words=" ".join(words[: len(words) // 2]))
        text = line.words.replace("ta", "at", 1) if rnd.random() < 0.1 else line.words
        text = rnd.choice(["[SIGHS] ", "<i>", "MAN 2: ", "(door) ", "", "", "", "", ""]) + text
        start = line.start + late + rnd.uniform(-jitter, jitter)
        cues.append(Cue(round(max(0, start) * 1000), round((line.end + late + 0.1) * 1000) + 300, text))
    cues.append(Cue(1000, 4000, "Subtitles by www.example.invalid"))
    return SubtitleTrack(name, None, tuple(sorted(cues, key=lambda cue: cue.start_ms)))


def sound(lines, duration, seed=1, noise=2):
    """Levels and voice: syllables where somebody speaks, a floor that wanders elsewhere, some loud effects."""
    rnd = np.random.default_rng(seed)
    frames = int(duration * 100)
    level = 60 + 4 * np.sin(np.arange(frames) / 700) + rnd.normal(0, noise, frames)
    voice = (rnd.random(frames) < 0.1) * 255
    for start in rnd.integers(0, frames, frames // 3000):
        level[start : start + 80] += 30
    for line in lines:
        low, high = round(line.start * 100), round(line.end * 100)
        syllables = 22 + 10 * np.sin(np.arange(high - low) * 2 * np.pi / 22)
        level[low:high] += syllables[: max(0, frames - low)]
        voice[low:high] = 230
    levels = np.clip(level[:, None] + rnd.normal(0, 2, (frames, BANDS)), 0, 255).astype(np.uint8)
    return Soundtrack(levels, voice[:frames].astype(np.uint8))


def judged(alignment, dialogues, pieces):
    """Placed, refused by rule, and the largest error [s]; what is placed wrongly fails at once."""
    placed, refused, errors = set(), {}, [0.0]
    for dialogue in dialogues:
        verdict = alignment.verdicts[dialogue.id]
        if not isinstance(verdict, Placed):
            refused[dialogue.number] = verdict.reason.rule
            continue
        span = dialogue.span
        (true,) = [
            (span.start_ms / 1000 + shift) / rate
            for begin, finish, shift, rate in pieces
            if begin - 0.5 <= span.start_ms / 1000 and span.end_ms / 1000 <= finish + 0.7
        ]
        assert abs(verdict.start_s - true) * 1000 <= verdict.error_ms
        mapped = alignment.time_map.place(span)
        assert mapped is not None
        assert float(mapped[0]) == pytest.approx(verdict.start_s, abs=0.002)
        placed.add(dialogue.number)
        errors.append(abs(verdict.start_s - true))
    return placed, refused, max(errors)


FILM = script()
LENGTH = FILM[-1].end + 30
WHOLE = [(0, LENGTH, 37.4, 1.0)]
OTHER = script(seed=2)


@pytest.fixture(scope="module")
def dialogues():
    return annotations(FILM)


@pytest.mark.parametrize("rate", [1.0, PAL, 1 / PAL, 1.001, 0.93])
def test_any_speed(dialogues, rate):
    pieces = [(0, LENGTH, 37.4, rate)]
    lines = played(FILM, pieces)
    alignment = by_subtitles(dialogues, [subtitles(lines)], sound(lines, (LENGTH + 40) / rate))
    placed, _, error = judged(alignment, dialogues, pieces)
    assert len(placed) >= 23
    assert error < 0.1
    assert float(alignment.time_map.pieces[0].rate) == pytest.approx(rate, rel=1e-4)
    assert alignment.tier == "subtitles"
    assert 0.5 < alignment.confidence <= 1
    assert alignment.error_ms < 200


def gap_before(number, after=0):
    """The moment between a line and the next, `after` lines into a dialogue."""
    places = [n for n, line in enumerate(FILM) if line.dialogue == number]
    at = places[0] + after
    return (FILM[at - 1].end + FILM[at].start) / 2


def test_scenes_removed_and_put_in_and_a_dialogue_interrupted(dialogues):
    gone, back, inside = gap_before(5), gap_before(7), gap_before(12, after=3)
    pieces = [
        (0, gone, 10.0, PAL),
        (back, inside, 10.0 - (back - gone), PAL),
        (inside, LENGTH, 10.0 - (back - gone) + 47, PAL),
    ]
    lines = played(FILM, pieces)
    advertisement = played(script(seed=3, dialogues=1), [(0, 999, pieces[1][2] + inside - 30, PAL)])
    shown = sorted(
        [*lines, *(line for line in advertisement if line.end < (inside + pieces[2][2]) / PAL)],
        key=lambda line: line.start,
    )
    alignment = by_subtitles(dialogues, [subtitles(shown)], sound(shown, LENGTH))
    placed, refused, error = judged(alignment, dialogues, pieces)
    assert refused.pop(5) == refused.pop(6) == "absent"
    assert refused.pop(12) == "splice"
    assert len(refused) <= 2
    assert len(placed) >= 19
    assert error < 0.12
    assert len(alignment.time_map.pieces) == 3


def test_another_movie_in_the_same_words(dialogues):
    alignment = by_subtitles(dialogues, [subtitles(OTHER)], sound(OTHER, LENGTH + 100))
    assert alignment.reason.rule == "other-movie"
    assert not judged(alignment, dialogues, WHOLE)[0]


def test_few_dialogues_of_another_movie_find_nothing():
    tracks = [subtitles(script(seed=seed), seed=seed) for seed in range(20, 24)]
    trials = 0
    for seed in range(30, 36):
        for dialogue in annotations(script(seed=seed), seed=seed)[::4]:
            for track in tracks:
                alignment = by_subtitles([dialogue], [track], sound([], 60))
                assert not isinstance(alignment.verdicts[dialogue.id], Placed)
                trials += 1
    assert trials == 144


def test_single_dialogues_are_placed_without_the_others(dialogues):
    lines = played(FILM, WHOLE)
    track, heard = subtitles(lines), sound(lines, LENGTH + 60)
    placed = [judged(by_subtitles([dialogue], [track], heard), [dialogue], WHOLE)[0] for dialogue in dialogues]
    assert sum(map(len, placed)) >= 12


def test_the_track_in_the_words_language_is_chosen(dialogues):
    lines = played(FILM, WHOLE)
    code = str.maketrans("abdefgiklmnoprstuvz", "ozkibepdvrtusngfamy")
    foreign = [replace(line, words=line.words.translate(code)) for line in lines]
    heard = sound(lines, LENGTH + 60)
    tracks = [subtitles(foreign, name="film.xx.srt"), subtitles(lines, name="film.en.srt")]
    alignment = by_subtitles(dialogues, tracks, heard)
    assert len(judged(alignment, dialogues, WHOLE)[0]) >= 23
    assert alignment.notes == ("placed by the words of film.en.srt",)
    alignment = by_subtitles(dialogues, tracks[:1], heard)
    assert alignment.reason.rule == "other-language"


@pytest.mark.parametrize("late", [2.3, -0.7, 12.0])
def test_a_constant_shift_is_corrected_by_the_sound(dialogues, late):
    lines = played(FILM, WHOLE)
    alignment = by_subtitles(dialogues, [subtitles(lines, late=late)], sound(lines, LENGTH + 60))
    placed, _, error = judged(alignment, dialogues, WHOLE)
    assert len(placed) >= 23
    assert error < 0.1
    assert any("late" in note if late > 0 else "early" in note for note in alignment.notes)


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param([(0, LENGTH, 37.4, PAL)], id="another speed"),
        pytest.param([(0, LENGTH, 37.4, 1.004)], id="a drift"),
        pytest.param(
            [
                (0, gap_before(4), 37.4, 1.0),
                (gap_before(4), gap_before(8), 90.0, 1.0),
                (gap_before(8), LENGTH, 160.0, 1.0),
            ],
            id="other scenes",
        ),
    ],
)
def test_subtitles_of_another_edition_are_not_believed(dialogues, heard):
    shown, spoken = played(FILM, WHOLE), played(FILM, heard)
    alignment = by_subtitles(dialogues, [subtitles(shown)], sound(spoken, LENGTH + 200))
    assert alignment.reason.rule == "subtitles-off"
    assert all(not isinstance(verdict, Placed) for verdict in alignment.verdicts.values())


def test_where_a_part_of_the_sound_is_off_that_part_is_refused(dialogues):
    cut = gap_before(16)
    spoken = played(FILM, [(0, cut, 37.4, 1.0), (cut, LENGTH, 97.4, 1.0)])
    alignment = by_subtitles(dialogues, [subtitles(played(FILM, WHOLE))], sound(spoken, LENGTH + 100))
    placed, refused, _ = judged(alignment, dialogues, WHOLE)
    assert max(placed) < 16
    assert len(placed) >= 14
    assert {refused[number] for number in range(17, 24)} <= {"subtitles-off", "too-little-evidence"}


def test_a_small_drift_is_within_the_bound(dialogues):
    pieces = [(0, LENGTH, 37.4, 1.001)]
    alignment = by_subtitles(dialogues, [subtitles(played(FILM, WHOLE))], sound(played(FILM, pieces), LENGTH + 60))
    for dialogue in dialogues:
        verdict = alignment.verdicts[dialogue.id]
        true = (dialogue.span.start_ms / 1000 + 37.4) / 1.001
        assert not isinstance(verdict, Placed) or abs(verdict.start_s - true) * 1000 <= verdict.error_ms


def test_times_copied_from_the_same_subtitles_stay_exact():
    exact = annotations(FILM, lead=0.0)
    pieces = [(0, LENGTH, 15.015, PAL)]
    track = SubtitleTrack(
        "film.srt",
        None,
        tuple(
            Cue(round((turn.span.start_ms + 15015) / PAL), round((turn.span.end_ms + 15015) / PAL), turn.text)
            for dialogue in exact
            for turn in dialogue.turns
        ),
    )
    alignment = by_subtitles(exact, [track], sound(played(FILM, pieces), LENGTH))
    placed, _, error = judged(alignment, exact, pieces)
    assert len(placed) == 24
    assert error < 0.002
    assert alignment.error_ms < 45


def test_writing_without_spaces():
    characters = [chr(0x4E00 + 37 * n) for n in range(300)]
    lines = script(seed=5, words=characters, joined="")
    dialogues = annotations(lines, seed=5)
    pieces = [(0, 9999, 5.0, 1.0)]
    shown = played(lines, pieces)
    alignment = by_subtitles(dialogues, [subtitles(shown)], sound(shown, shown[-1].end + 20))
    assert len(judged(alignment, dialogues, pieces)[0]) >= 22


def test_nothing_to_go_by(dialogues):
    lines = played(FILM, WHOLE)
    track, heard = subtitles(lines), sound(lines, LENGTH + 60)
    empty = Soundtrack(np.zeros((0, BANDS), np.uint8), np.zeros(0, np.uint8))
    silent = Soundtrack(np.zeros((60000, BANDS), np.uint8), np.zeros(60000, np.uint8))
    untimed = [dialogue.model_copy(update={"timeline": "dialogue"}) for dialogue in dialogues]
    wordless = [dialogue.model_copy(update={"turns": ()}) for dialogue in dialogues]
    for asked, tracks, soundtrack in (
        (dialogues, [], heard),
        (dialogues, [SubtitleTrack("empty", None, ())], heard),
        (dialogues, [SubtitleTrack("forced", None, track.cues[:4])], heard),
        (dialogues, [track], empty),
        (dialogues, [track], silent),
        (untimed, [track], heard),
        (wordless, [track], heard),
    ):
        alignment = by_subtitles(asked, tracks, soundtrack)
        assert {verdict.reason.rule for verdict in alignment.verdicts.values()} == {"too-little-evidence"}
        assert len(alignment.verdicts) == len(asked)
        assert not alignment.time_map.pieces
    assert not by_subtitles([], [track], heard).verdicts


def test_the_track_says_another_language(dialogues):
    lines = played(FILM, WHOLE)
    tagged = replace(subtitles(lines), language="nld")
    spoken = [dialogue.model_copy(update={"language": "en"}) for dialogue in dialogues]
    notes = by_subtitles(spoken, [tagged], sound(lines, LENGTH + 60)).notes
    assert "nld" in notes[-1]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("<i>Don't</i> go, [SIGHS] Zoë!", "dont go zoe"),
        ("MAN #2: I'm here.\n- DR. GREEN: (coughs) Where?", "im here where"),
        ("{\\an8}At 12:30, ok?\\NYes &amp; no", "at 12 30 ok yes no"),
        ("♪ la la ♪ （笑）", "la la"),
        ("我们走吧。OK", "我 们 走 吧 ok"),
        ("ＡＢＣ １２", "abc 12"),
        ("", ""),
        ("...", ""),
    ],
)
def test_tokens(text, tokens):
    assert tokens_of(text)[0] == tokens.split()


def test_words_are_timed_within_their_line():
    text = Text.of([(10.0, 12.0, "aaaa bbbb"), (20.0, 21.0, "..."), (30.0, 31.0, "cc")])
    assert text.times.tolist() == pytest.approx([10.0, 11.111, 30.0], abs=0.01)
    assert text.lines.tolist() == [0, 0, 2]
    assert text.first.tolist() == [True, False, True]


def test_slips_of_the_pen_are_forgiven():
    slipped = ["well", "the", "qiuck", "brwon", "fox"]
    assert aligned(["the", "quick", "brown", "fox"], slipped) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert aligned(["one", "two"], ["six", "ten"]) == []


def test_as_much_taken_out_later_as_was_put_in_before(dialogues):
    """The first and the last piece have nearly one offset, and the same words in reach; what is between has another."""
    put_in, gone = gap_before(6), gap_before(16)
    back = gone + 59.75
    pieces = [(0, put_in, 10.0, 1.0), (put_in, gone, 70.0, 1.0), (back, LENGTH, 10.25, 1.0)]
    lines = played(FILM, pieces)
    alignment = by_subtitles(dialogues, [subtitles(lines)], sound(lines, LENGTH + 20))
    placed, _, _ = judged(alignment, dialogues, pieces)
    assert len(placed) >= 14


def test_a_verdict_that_the_time_map_contradicts_is_refused(dialogues):
    lines = played(FILM, WHOLE)
    found = by_subtitles(dialogues, [subtitles(lines)], sound(lines, LENGTH + 40))
    assert found.mapped(dialogues) == found
    one = next(dialogue.id for dialogue in dialogues if isinstance(found.verdicts[dialogue.id], Placed))
    moved = replace(found.verdicts[one], start_s=found.verdicts[one].start_s + 1)
    other = replace(found, verdicts={**found.verdicts, one: moved}).mapped(dialogues)
    assert other.verdicts[one].reason.rule == "evidence-disagrees"
    assert {id_ for id_ in found.verdicts if other.verdicts[id_] != found.verdicts[id_]} == {one}
