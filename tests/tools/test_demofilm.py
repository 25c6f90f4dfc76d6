"""The demo film: true to its own release, talking where it says so, and the same every time."""

import hashlib
import json
import re
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from mmdia_dataset.errors import OutputError
from mmdia_dataset.timing import ms_from_timestamp
from tools.demofilm import FRAME_RATE, make_demo_film
from tools.demofilm.film import write_film
from tools.demofilm.phonemes import PHONES, pronounce
from tools.demofilm.picture import frames, mouth_box, visible
from tools.demofilm.script import DIALOGUES, MOODS
from tools.demofilm.sounds import FILM_RATE, soundtrack
from tools.demofilm.timeline import timeline
from tools.demofilm.voice import RATE, VOICES, plan, sing

SMALL = 72


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The whole film, but small."""
    return make_demo_film(tmp_path_factory.mktemp("demo"), height=SMALL)


@pytest.fixture(scope="module")
def release(demo):
    return json.loads((demo.release / "json" / "movie" / "tt9900001.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sound(demo):
    """What is heard, decoded from the file: (2, samples)."""
    with av.open(str(demo.film)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def spans(release):
    for clip in release["clips"]:
        for line in clip["srt"]:
            yield ms_from_timestamp(line["abs_start_time"]), ms_from_timestamp(line["abs_end_time"]), line, clip


def decibels(sound):
    return 20 * np.log10(np.sqrt(np.mean(np.square(sound))) + 1e-9)


def test_film_is_what_was_promised(demo, sound):
    assert re.search(r"tt\d{7,8}", demo.film.name).group() == "tt9900001"
    assert 36_000 <= demo.duration_ms <= 46_000
    with av.open(str(demo.film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert video.average_rate == FRAME_RATE == Fraction(24000, 1001)
        assert video.height == SMALL
        assert audio.metadata["language"] == "eng"
        shown = [(frame.pts * frame.time_base, frame.pict_type) for frame in container.decode(video=0)]
    assert len(shown) == demo.frames
    assert [time for time, _ in shown] == [number / FRAME_RATE for number in range(demo.frames)]
    kinds = [kind for _, kind in shown]
    assert kinds.count(av.video.frame.PictureType.B) > demo.frames / 10
    assert kinds.count(av.video.frame.PictureType.I) < demo.frames / 100, (
        "keyframes are far apart, also where shots change"
    )
    assert abs(sound.shape[1] - demo.duration_ms * FILM_RATE // 1000) < 2048
    assert 0.2 < np.abs(sound).max() < 0.98, "nothing clips"


def test_speech_lies_in_its_cues_and_nowhere_else(demo, release, sound):
    edges = [(0, 0)]
    for start, end, line, _ in spans(release):
        inside = sound[:, start * FILM_RATE // 1000 : end * FILM_RATE // 1000]
        assert decibels(inside) > -32, line
        edges.append((start, end))
    for (_, before), (after, _) in pairwise(edges[1:]):
        # AAC spreads up to one of its frames, 21 ms, over an edge.
        silence = sound[:, (before + 25) * FILM_RATE // 1000 : (after - 25) * FILM_RATE // 1000]
        assert decibels(silence) < -44, (before, after)


def test_words_start_and_end_with_the_cue(release):
    """Before encoding, to the sample: voices begin and end where the release says."""
    film = timeline(DIALOGUES)
    track = soundtrack(film, 0)
    for start, end, line, _ in spans(release):
        for edge in (start + 15, end - 90):
            window = track[:, edge * FILM_RATE // 1000 : (edge + 75) * FILM_RATE // 1000]
            quiet = track[:, (start - 100) * FILM_RATE // 1000 : start * FILM_RATE // 1000]
            assert decibels(window) > decibels(quiet) + 1.5, line
    for cues in film.cues:
        for cue, span in cues:
            own = [a for a in film.acts if span.start_ms <= a.span.start_ms < span.end_ms]
            assert [a.turn for a in own] == list(cue.turns)
            assert own[-1].span.end_ms == span.end_ms
            assert min(own[0].span.start_ms, own[0].effect_ms or span.end_ms) == span.start_ms


def test_mouths_move_while_speaking_only():
    film = timeline(DIALOGUES[:1])
    height = 120
    pictures = list(frames(film, FRAME_RATE, height, 0))
    seen = 0
    for act in film.acts:
        shot = next(s for s in film.shots if s.span.start_ms <= act.span.start_ms < s.span.end_ms)
        for name in ("Ada", "Tom"):
            if not visible(shot.name, name):
                continue
            rows, columns = mouth_box(shot.name, name, height)
            first, last = (int(ms * FRAME_RATE / 1000) for ms in (act.span.start_ms + 120, act.span.end_ms - 60))
            patches = np.stack([p[rows, columns].astype(float) for p in pictures[first:last]])
            # The share of dark and white in the box is what an opening mouth changes most; heads only sway.
            moved = np.abs(np.diff(patches.mean(axis=(1, 2, 3)))).mean()
            if name == act.turn.speaker:
                speaking, seen = moved, seen + 1
                assert speaking > 0.35, act.turn
            else:
                assert moved < 0.25, (name, act.turn)
    assert seen >= 3
    hidden = [a for a in film.acts if not visible(_shot_at(film, a), a.turn.speaker)]
    assert hidden, "at least one line is spoken off screen"


def _shot_at(film, act):
    return next(s.name for s in film.shots if s.span.start_ms <= act.span.start_ms < s.span.end_ms)


def test_release_agrees_with_the_film(demo, release):
    assert release["movie"] == "tt9900001"
    last = 0
    texts = []
    for start, end, line, clip in spans(release):
        assert last <= start < end <= demo.duration_ms
        assert end - start > 200
        origin = ms_from_timestamp(clip["srt"][0]["abs_start_time"])
        assert ms_from_timestamp(line["relative_start"]) == start - origin
        assert ms_from_timestamp(line["relative_end"]) == end - origin
        names = [name for name in clip["speaker"] if f"{name}: " in line["character_annotation"]]
        assert names
        assert "<" not in line["text"]
        assert "*" not in line["character_annotation"]
        texts.append(line["character_annotation"])
        last = end
    assert any(len(re.findall(r"(Ada|Tom|Stranger|Mara): ", text)) == 2 for text in texts)
    assert any(re.search(r"<[a-z ]+>", text) for text in texts)
    for clip in release["clips"]:
        assert len(clip["speaker"]) >= 2
        assert len(clip["style_annotation"]["Tags"]) == 3
    assert (len(release["clips"]), len(texts)) == (demo.dialogues, demo.cues)
    splits = json.loads((demo.release / "splits.json").read_text(encoding="utf-8"))
    assert set(splits) == {"train", "eval", "test", "hard"}
    assert sorted(i for ids in splits.values() for i in ids) == [f"tt9900001_clip_{n}" for n in range(demo.dialogues)]


def test_same_bytes_twice_and_progress_runs_to_the_end(tmp_path):
    seen = []

    def digests():
        made = make_demo_film(tmp_path, progress=seen.append, dialogues=1, height=36)
        files = [p for p in sorted(tmp_path.rglob("*")) if p.is_file()]
        assert made.film in files
        return [(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]

    first = digests()
    assert len(first) == 3, "no temporary file is left"
    assert (seen[0], seen[-1]) == (0, 1)
    assert seen == sorted(seen)
    assert digests() == first, "a second run replaces with the same"


def test_seed_changes_chance_but_not_timing():
    film = timeline(DIALOGUES[:1])
    one, other = soundtrack(film, 0), soundtrack(film, 1)
    assert one.shape == other.shape
    assert np.abs(one - other).max() > 0.01


def test_every_word_is_in_the_dictionary():
    for dialogue in DIALOGUES:
        for turn in (turn for cue in dialogue.cues for turn in cue.turns):
            assert turn.speaker in VOICES
            assert turn.mood in MOODS
            for word in re.findall(r"[A-Za-z']+", turn.subtitle):
                assert all(sound.rstrip("01") in PHONES for sound in pronounce(word))


@pytest.mark.parametrize(("word", "sound"), [("tea", "IY"), ("tom", "AA"), ("that", "AE")])
def test_vowels_have_their_formants(word, sound):
    """The strongest parts of a vowel's spectrum lie where the formants of that vowel belong."""
    planned = plan(word, "Tom", "calm")
    said = sing(planned, "Tom", "calm", int(planned.duration_s * RATE), np.random.default_rng(0))
    vowel = next(s for s in planned.sounds if s.name.startswith(sound))
    middle = int((0.5 * vowel.start_s + 0.5 * vowel.end_s) * RATE)
    piece = said[middle - 480 : middle + 480] * np.hanning(960)
    loud = np.abs(np.fft.rfft(piece, 4096))
    first, second, _ = PHONES[sound].formants[0]
    border = int((first + second) / 2 * 4096 / RATE)
    for formant, near in ((first, slice(20, border)), (second, slice(border, 2 * int(second * 4096 / RATE) - border))):
        peak = (near.start + np.argmax(loud[near])) * RATE / 4096
        assert abs(peak - formant) < 130, "within about one harmonic"


def test_pitch_follows_the_mood():
    def middle(mood):
        planned = plan("The *lamp is going *out", "Ada", mood)
        return np.median(planned.pitch)

    assert middle("alarmed") > 1.2 * middle("calm") > 1.2 * middle("weary")
    question, statement = (plan(f"What boat{mark}", "Tom", "calm").pitch for mark in "?.")
    assert question[-40] > 1.3 * statement[-40]


@pytest.mark.parametrize("wrong", [{"dialogues": 0}, {"dialogues": 9}, {"height": 35}, {"height": 101}])
def test_wrong_arguments_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="not"):
        make_demo_film(tmp_path, **wrong)


def test_write_film_refuses_what_it_cannot_write(tmp_path):
    good = {"frame_rate": FRAME_RATE, "samples": np.zeros(4800, np.float32), "sample_rate": 48_000}
    picture = np.zeros((36, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="at least one frame"):
        write_film(tmp_path / "a.mp4", frames=[], **good)
    with pytest.raises(ValueError, match="even sides"):
        write_film(tmp_path / "a.mp4", frames=[picture[:35]], **good)
    with pytest.raises(ValueError, match="like the first"):
        write_film(tmp_path / "a.mp4", frames=[picture, picture[:34]], **good)
    with pytest.raises(ValueError, match="samples have the shape"):
        write_film(tmp_path / "a.mp4", frames=[picture], **{**good, "samples": np.zeros((3, 10), np.float32)})
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        write_film(tmp_path / "file" / "a.mp4", frames=[picture], **good)
    assert [p.name for p in tmp_path.iterdir()] == ["file"], "nothing half-written is left"
