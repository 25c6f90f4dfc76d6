"""Which dialogue of a release has which sound: by the names of files, in every layout."""

import pytest

from mmdia_dataset.release import LISTENED_TO, ReleaseAudio
from mmdia_dataset.schema import Dialogue
from mmdia_dataset.timing import Span


def dialogue(movie, number, batch="movie"):
    return Dialogue(
        id=f"{movie}_clip_{number}",
        movie=movie,
        batch=batch,
        number=number,
        timeline="dialogue",
        span=Span(0, 1000),
        speakers=(),
        turns=(),
    )


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("file", "movie", "number", "batch", "kind"),
    [
        ("audio/movie/tt0000001/clip_007/clip_007.wav", "tt0000001", 7, "movie", "voice"),
        ("audio/movie/tt0000001/clip_007/clip_007_44k.wav", "tt0000001", 7, "movie", "voice_44k"),
        ("audio/movie/tt0000001/clip_007/clip_007_orig.wav", "tt0000001", 7, "movie", "mix"),
        ("audio/movie/tt0000001/clip_007/clip_007_no_vocals.flac", "tt0000001", 7, "movie", "background"),
        ("audio/movie/tt0000001/clip_1007/clip_1007.opus", "tt0000001", 1007, "movie", "voice"),
        ("audio/movie/tt0000001/clip_007.mp3", "tt0000001", 7, "movie", "voice"),
        ("audio/movie/tt0000001/clip_7/clip_7.wav", "tt0000001", 7, "movie", "voice"),
        ("audio/tt0000001_clip_7.wav", "tt0000001", 7, "movie", "voice"),
        ("audio/movie/tt0000001_clip_7_orig.wav", "tt0000001", 7, "movie", "mix"),
        ("audio/tv_01/S05E01-E02/clip_024/clip_024.wav", "tv_01_S05E01-E02", 24, "tv_01", "voice"),
        ("audio/tv_06/This Is Us.S03E16/clip_065/clip_065.wav", "tv_06_This_Is_Us.S03E16", 65, "tv_06", "voice"),
        ("audio/tv_05_mceiu/dia_341.wav", "tv_05_mceiu_Friends", 341, "tv_05_mceiu", "voice"),
        ("audio/tv_05_mceiu/Friends/dia_341.wav", "tv_05_mceiu_Friends", 341, "tv_05_mceiu", "voice"),
        ("video/movie/tt0000001/clip_007.mp4", "tt0000001", 7, "movie", "film"),
        ("data/video/bench/tt0000001/clip_000/clip_000.mp4", "tt0000001", 0, "movie", "film"),
    ],
)
def test_a_file_is_the_dialogues_it_is_named_after(tmp_path, file, movie, number, batch, kind):
    put(tmp_path, file)
    audio = ReleaseAudio.of(tmp_path)
    assert audio.files_of(dialogue(movie, number, batch)) == {kind: tmp_path / file}
    assert not audio.files_of(dialogue(movie, number + 1, batch))
    assert not audio.files_of(dialogue("tt0000002", number, "other"))
    assert not list(audio.unclaimed())


def test_sound_and_video_of_a_dialogue_are_one_dialogues(tmp_path):
    folder = "audio/movie/tt0000001/clip_007"
    put(tmp_path, f"{folder}/clip_007_orig.wav", f"{folder}/clip_007.wav", "video/movie/tt0000001/clip_007.mp4")
    audio = ReleaseAudio.of(tmp_path)
    assert len(audio) == 3
    assert set(audio.files_of(dialogue("tt0000001", 7))) == {"mix", "voice", "film"}
    assert audio.sound_of(dialogue("tt0000001", 7), LISTENED_TO).kind == "voice"
    assert audio.sound_of(dialogue("tt0000001", 7), ("background",)) is None


def test_the_batch_tells_two_movies_of_one_name_apart(tmp_path):
    put(tmp_path, "audio/movie/tt0000001/clip_007.wav", "audio/movie_41/tt0000001/clip_007.wav")
    audio = ReleaseAudio.of(tmp_path)
    assert audio.sound_of(dialogue("tt0000001", 7, "movie_41")).path.parts[-3] == "movie_41"
    assert audio.sound_of(dialogue("tt0000001", 7, "another")) is None


def test_encoded_sound_is_counted_until_it_is_decoded(tmp_path):
    put(tmp_path, "audio_encoded/movie/tt0000001/clip_007/clip_007.dac")
    audio = ReleaseAudio.of(tmp_path)
    assert not audio
    assert audio.undecoded == 1
    assert audio.is_encoded_only(dialogue("tt0000001", 7))
    put(tmp_path, "audio/movie/tt0000001/clip_007/clip_007.wav")
    assert ReleaseAudio.of(tmp_path).undecoded == 0


def test_files_that_no_dialogue_asked_for_are_listed(tmp_path):
    put(tmp_path, "audio/movie/tt0000001/clip_007.wav", "audio/movie/tt0000009/clip_001.wav", "audio/readme.wav")
    audio = ReleaseAudio.of(tmp_path)
    audio.files_of(dialogue("tt0000001", 7))
    assert [path.parts[-2] for path in audio.unclaimed()] == ["tt0000009"]


def test_no_link_leads_out_of_the_release(tmp_path):
    root, secret = tmp_path / "release", tmp_path / "secret"
    put(secret, "clip_007.wav", "clip_008.wav")
    put(root, "audio/movie/tt0000001/clip_009.wav")
    (root / "audio/movie/tt0000001/clip_007.wav").symlink_to(secret / "clip_007.wav")
    (root / "audio/movie/tt0000002").symlink_to(secret)
    (root / "audio/movie/tt0000001/clip_010.wav").symlink_to("clip_009.wav")
    audio = ReleaseAudio.of(root)
    assert not audio.files_of(dialogue("tt0000001", 7))
    assert not audio.files_of(dialogue("tt0000002", 8))
    assert audio.files_of(dialogue("tt0000001", 10))
    assert len(audio.outside) == 2


def test_the_folder_of_sounds_may_be_on_another_disk(tmp_path):
    root, disk = tmp_path / "release", tmp_path / "disk"
    put(disk, "movie/tt0000001/clip_007.wav")
    root.mkdir()
    (root / "audio").symlink_to(disk)
    assert ReleaseAudio.of(root).files_of(dialogue("tt0000001", 7))
