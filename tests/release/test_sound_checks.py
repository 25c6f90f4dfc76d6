"""What `validate` says about the sound of a release: nothing of a clean one, and of each fault its rule."""

import os

import numpy as np
import pytest
import soundfile

import mmdia_dataset
from mmdia_dataset.release import RULES, sound_checks
from tests.support.dialogues import dialogue
from tests.support.shell import mmdia

pytestmark = pytest.mark.quick

RATE = 8000
KINDS = ("", "_44k", "_orig", "_no_vocals")
VOICE = "audio/movie/tt0000001/clip_001/clip_001.wav"


def noise(ms, seed, loud=0.3, rate=RATE):
    return np.random.default_rng(seed).uniform(-loud, loud, round(ms * rate / 1000)).astype("f4")


def write(file, samples, rate=RATE, **form):
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, samples, rate, **form)


def speech(number, movie="tt0000001", batch="movie"):
    """A dialogue of two seconds and something that no other dialogue has."""
    end = 2000 + 300 * number
    return dialogue(
        number, movie, ((0, 0, 1000, "Hi."), (1, 1000, end, "Hey.")), span={"start_ms": 0, "end_ms": end}, batch=batch
    )


def words(root, dialogues):
    (root / "dialogues").mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line.model_dump_json()}\n" for line in dialogues)
    (root / "dialogues" / "all.jsonl").write_text(text, encoding="utf-8")


@pytest.fixture
def release(tmp_path):
    """Four dialogues of a movie, each with four files."""
    root = tmp_path / "release"
    dialogues = [speech(number) for number in range(4)]
    words(root, dialogues)
    for one in dialogues:
        for place, kind in enumerate(KINDS):
            name = f"clip_{one.number:03}"
            file = root / "audio" / "movie" / "tt0000001" / name / f"{name}{kind}.wav"
            write(file, noise(one.span.duration_ms + 100, 10 * one.number + place))
    return root


def issues_of(root, **options):
    issues = []
    mmdia_dataset.validate(root, on_issue=issues.append, **options)
    return issues


def rules_of(root, **options):
    return [issue.rule for issue in issues_of(root, **options)]


@pytest.mark.parametrize("listen", [False, True])
def test_a_clean_release_has_no_issue(release, listen):
    write(release / "audio/movie/tt0000001/clip_002.flac", noise(2700, 5))
    video = release / "video" / "movie" / "tt0000001" / "clip_001.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"a film")
    assert rules_of(release, listen=listen) == []


def test_a_release_without_sound_misses_none(tmp_path):
    words(tmp_path, [speech(0), speech(1)])
    assert rules_of(tmp_path) == []


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        (".flac", {"format": "FLAC"}),
        (".ogg", {"format": "OGG", "subtype": "VORBIS"}),
        (".opus", {"format": "OGG", "subtype": "OPUS"}),
        (".mp3", {"format": "MP3"}),
    ],
)
def test_every_format_is_heard(tmp_path, suffix, form):
    words(tmp_path, [speech(0), speech(1)])
    for number in range(2):
        write(tmp_path / f"audio/movie/tt0000001/clip_00{number}{suffix}", noise(2100 + 300 * number, number), **form)
    assert rules_of(tmp_path, listen=True) == []
    write(tmp_path / f"audio/movie/tt0000001/clip_001{suffix}", noise(2400, 1, loud=0), **form)
    assert rules_of(tmp_path) == ["sound-silent"]


def cut(file):
    file.write_bytes(file.read_bytes()[:-9000])


FAULTS = {
    "sound-empty": lambda file: file.write_bytes(b""),
    "sound-unreadable": lambda file: file.write_bytes(b"no sound, but words"),
    "sound-cut-off": cut,
    "sound-too-short": lambda file: write(file, noise(150, 1)),
    "sound-silent": lambda file: write(file, noise(2400, 1, loud=0.0005)),
    "sound-length": lambda file: write(file, noise(2900, 1)),
    "sound-fits-another": lambda file: write(file, noise(2700, 1)),
    "sound-repeated": lambda file: file.write_bytes((file.parent.parent / "clip_000" / "clip_000.wav").read_bytes()),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_each_fault_is_named_by_its_rule(release, rule):
    FAULTS[rule](release / VOICE)
    (issue, *more) = [issue for issue in issues_of(release) if issue.rule == rule]
    assert not more
    assert (issue.file, issue.message.startswith("tt0000001_clip_1")) == (VOICE, True)
    assert issue.severity == ("error" if rule in ("sound-empty", "sound-unreadable", "sound-cut-off") else "warning")
    assert RULES[rule]


def test_it_says_whose_sound_it_may_be(release):
    for kind in KINDS:
        name = f"clip_00{{}}/clip_00{{}}{kind}.wav"
        folder = release / "audio" / "movie" / "tt0000001"
        (folder / name.format(1, 1)).write_bytes((folder / name.format(3, 3)).read_bytes())
    fits, repeated = issues_of(release)
    assert fits.message == (
        "tt0000001_clip_1 (voice, voice_44k, background, mix): the sound lasts 3.0 s, its dialogue 2.3 s; "
        "that is the length of tt0000001_clip_3"
    )
    assert repeated.message == "tt0000001_clip_3: its sound is that of tt0000001_clip_1"


def test_a_quiet_pause_at_the_start_is_no_silence_and_a_silent_background_no_fault(release):
    samples = noise(2400, 1)
    samples[: len(samples) - 800] = 0
    write(release / VOICE, samples)
    write(release / VOICE.replace(".wav", "_no_vocals.wav"), noise(2400, 1, loud=0))
    assert rules_of(release) == []


def test_sound_damaged_in_the_middle_is_found_by_listening(release):
    file = release / "audio/movie/tt0000001/clip_001/clip_001.flac"
    (release / VOICE).unlink()
    write(file, noise(2400, 1, rate=44_100), 44_100)
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    file.write_bytes(data)
    assert rules_of(release) == []
    assert rules_of(release, listen=True) == ["sound-unreadable"]
    file.write_bytes(data[: len(data) // 2])
    assert rules_of(release) == ["sound-cut-off"]


def test_what_has_no_sound_is_counted_by_movie(release):
    words(release, [*map(speech, range(9)), *(speech(number, "tt0000002") for number in range(3))])
    (release / VOICE).unlink()
    for kind in KINDS[1:]:
        (release / VOICE.replace(".wav", f"{kind}.wav")).unlink()
    assert [(issue.severity, issue.message) for issue in issues_of(release)] == [
        ("note", "tt0000001: 6 of 9 dialogues have no sound: 1, 4-8"),
        ("note", "tt0000002: none of its 3 dialogues has sound"),
    ]
    assert mmdia_dataset.validate(release).exit_code == 0


def test_encoded_sound_is_noted_until_it_is_decoded(release):
    words(release, map(speech, range(6)))
    encoded = release / "audio_encoded" / "movie" / "tt0000001"
    for number in range(6):
        (encoded / f"clip_00{number}").mkdir(parents=True)
        (encoded / f"clip_00{number}" / f"clip_00{number}.dac").write_bytes(b"codes")
    (issue,) = issues_of(release)
    assert (issue.rule, issue.severity) == ("sound-not-decoded", "note")
    assert issue.message == "2 dialogues have encoded sound and no other"
    assert "mmdia decode" in issue.hint


def test_files_of_nobody_of_two_and_from_outside(release, tmp_path):
    words(
        release,
        [
            *map(speech, range(4)),
            speech(7, "tv_05_mceiu_Friends", "tv_05_mceiu"),
            speech(7, "tv_05_mceiu_House", "tv_05_mceiu"),
        ],
    )
    write(release / "audio" / "tv_05_mceiu" / "dia_7.wav", noise(4200, 9))
    write(release / "audio" / "movie" / "tt0000009" / "clip_000.wav", noise(900, 8))
    write(tmp_path / "elsewhere.wav", noise(900, 7))
    (release / "audio" / "movie" / "tt0000001" / "clip_003" / "clip_003.flac").symlink_to(tmp_path / "elsewhere.wav")
    assert [(issue.rule, issue.file) for issue in issues_of(release)] == [
        ("outside-release", "audio/movie/tt0000001/clip_003/clip_003.flac"),
        ("sound-of-two", "audio/tv_05_mceiu/dia_7.wav"),
        ("sound-unclaimed", "audio/movie/tt0000009/clip_000.wav"),
    ]


def test_a_pipe_is_not_waited_for(release):
    (release / VOICE).unlink()
    os.mkfifo(release / VOICE)
    assert rules_of(release) == []


def test_a_single_file_is_checked_without_the_sound_around_it(release):
    (release / VOICE).write_bytes(b"")
    assert rules_of(release / "dialogues" / "all.jsonl") == []


def test_processes_give_the_same_issues_in_the_same_order(release, monkeypatch):
    words(release, [speech(number, movie) for movie in ("tt0000001", "tt0000002", "tt0000003") for number in range(4)])
    for movie in ("tt0000002", "tt0000003"):
        for number in range(4):
            write(release / f"audio/movie/{movie}/clip_00{number}.wav", noise(900 + number, number))
    monkeypatch.setattr(sound_checks, "_FEW", 1)
    alone = issues_of(release)
    assert len(alone) == 12
    assert issues_of(release, jobs=2) == alone


def test_files_that_end_the_process_are_said_to(release, monkeypatch):
    monkeypatch.setattr(sound_checks, "in_processes", lambda _, tasks, __: ((task, None) for task in tasks))
    assert rules_of(release) == ["sound-unreadable"] * 4


def test_the_shell_says_it(release):
    (release / VOICE).write_bytes(b"")
    out, _ = mmdia("validate", release, "--listen", code=1)
    assert f"    {VOICE} $: tt0000001_clip_1 (voice): the file is empty\n" in out
    assert "4 dialogues: 1 error, 0 warnings\n" in out
