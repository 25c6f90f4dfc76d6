"""From a release and films to a built directory: what is made, kept, refused, and what a kill leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import mmdia_dataset
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.built.manifest import read_lines
from mmdia_dataset.errors import ConfigError, OutputError, ReleaseNotFound, UsageError
from mmdia_dataset.schema import Clip, Edition, MadeLine
from mmdia_dataset.schema.arrow import from_arrow
from tests.support import films
from tests.support.worlds import SPANS, frames_in, make_world, tree, write_movie


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def built(world):
    """The world rebuilt, undisturbed; tests must not change it."""
    report = mmdia_dataset.rebuild(world.release, world.media, world.root / "built")
    assert (report.made, report.kept, dict(report.refused)) == (5, 0, {"no-recording": 1})
    assert report.exit_code == 0
    return world.root / "built"


@pytest.fixture
def copy(world, tmp_path):
    """A world of one's own to change, with its built directory."""
    shutil.copytree(world.root / "release", tmp_path / "release")
    shutil.copytree(world.root / "media", tmp_path / "media")
    return type(world)(tmp_path, world.films)


def lines_of(folder):
    return {line.id: line for _, line, _ in read_lines(folder / "manifest.jsonl")}


def rows_of(folder, split):
    return list(from_arrow(pq.read_table(folder / "annotations" / f"{split}.parquet"), Clip))


@pytest.mark.quick
def test_every_clip_has_exactly_the_frames_of_its_span(world, built):
    lines = lines_of(built)
    for movie in ("tt0000001", "tt0000002"):
        film = world.films[movie]
        for number, span in enumerate(SPANS[movie]):
            line = lines[f"{movie}_clip_{number}"]
            want = frames_in(film, *span, stored_ms=movie == "tt0000002")
            assert films.numbers_av(built / line.file) == want
            assert line.frames == len(want)


@pytest.mark.quick
def test_the_manifest_says_what_was_made_and_why_not(built):
    lines = lines_of(built)
    assert set(lines) == {f"{movie}_clip_{n}" for movie, spans in SPANS.items() for n in range(len(spans))}
    for line in lines.values():
        if isinstance(line, MadeLine):
            assert (built / line.file).stat().st_size == line.size
            assert line.evidence.tier == "given"
    refused = lines["tt0000003_clip_0"]
    assert refused.reasons[0].rule == "no-recording"
    assert lines["tt0000002_clip_1"].splits == ("test", "hard")
    edition = Edition.model_validate_json((built / "editions" / "tt0000001.json").read_bytes())
    assert [(piece.rate, piece.offset_ms) for piece in edition.pieces] == [("1/1", 0)]
    assert edition.evidence.tier == "given"


def test_rows_stand_in_their_splits(built):
    found = {p.stem: [row.id for row in rows_of(built, p.stem)] for p in (built / "annotations").iterdir()}
    assert found == {
        "train": ["tt0000001_clip_0", "tt0000001_clip_1"],
        "validation": ["tt0000001_clip_2"],
        "test": ["tt0000002_clip_0", "tt0000002_clip_1"],
        "hard": ["tt0000002_clip_1"],
    }
    row = rows_of(built, "validation")[0]
    assert (built / row.video.path).is_file()
    assert row.audio is None
    assert row.triplet.relationship.label == "Friends"


def test_the_folder_holds_nothing_else(built):
    tops = {path.name for path in built.iterdir()}
    assert tops == {".mmdia-built.json", "README.md", "annotations", "clips", "editions", "manifest.jsonl"}
    assert mmdia_dataset.validate(built).counts == {}


def test_again_keeps_everything(world, built):
    before = tree(built)
    stamps = {file: file.stat().st_mtime_ns for file in (built / "clips").rglob("*.mp4")}
    report = mmdia_dataset.rebuild(world.release, world.media, built)
    assert (report.made, report.kept) == (0, 5)
    assert tree(built) == before
    assert stamps == {file: file.stat().st_mtime_ns for file in stamps}


def test_several_processes_make_the_same_bytes(world, built, tmp_path):
    mmdia_dataset.rebuild(world.release, world.media, tmp_path / "built", jobs=2)
    assert tree(tmp_path / "built") == tree(built)


KILLED = """
import os, sys, mmdia_dataset
def progress(stage, done, total):
    if stage == "cutting clips" and done == int(sys.argv[4]): os.kill(os.getpid(), 9)
mmdia_dataset.rebuild(*sys.argv[1:4], progress=progress)
"""


@pytest.mark.parametrize("clips", [1, 3, 6])
def test_a_run_killed_between_clips_goes_on(world, built, tmp_path, clips):
    out = tmp_path / "built"
    command = [sys.executable, "-c", KILLED, str(world.release), str(world.media), str(out), str(clips)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    assert any(issue.rule == "unfinished" for issue in issues(out))
    report = mmdia_dataset.rebuild(world.release, world.media, out)
    assert report.kept >= clips - 1
    assert tree(out) == tree(built)


KILLED_AT = """
import os, sys, mmdia_dataset
out, left = sys.argv[3], int(sys.argv[4])
def watch(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir") and out in str(arguments[0]):
        left -= 1
        if not left: os.kill(os.getpid(), 9)
sys.addaudithook(watch)
mmdia_dataset.rebuild(*sys.argv[1:4])
"""


def test_a_run_killed_at_any_time_goes_on(world, built, tmp_path):
    """Before its n-th step inside the folder: a file opened, renamed or removed there. Each run has that many."""
    out = tmp_path / "built"
    for steps in (2, 9, 23, 31, 40):
        command = [sys.executable, "-c", KILLED_AT, str(world.release), str(world.media), str(out), str(steps)]
        assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
        assert tree(out) != tree(built)
    mmdia_dataset.rebuild(world.release, world.media, out)
    assert tree(out) == tree(built)


def issues(folder):
    found = []
    mmdia_dataset.validate(folder, on_issue=found.append)
    return found


def test_only_what_changed_is_made_again(copy):
    out = copy.root / "built"
    mmdia_dataset.rebuild(copy.release, copy.media, out)
    spans = [SPANS["tt0000001"][0], (1500, 2000)]  # one changed, one gone
    write_movie(copy.root, "tt0000001", spans)
    report = mmdia_dataset.rebuild(copy.release, copy.media, out)
    assert (report.made, report.kept, report.swept) == (1, 3, 1)
    assert sorted(p.name for p in (out / "clips" / "tt0000001").iterdir()) == [
        "tt0000001_clip_0.mp4", "tt0000001_clip_1.mp4",
    ]  # fmt: skip
    want = frames_in(copy.films["tt0000001"], 1500, 2000)
    assert films.numbers_av(out / "clips" / "tt0000001" / "tt0000001_clip_1.mp4") == want
    assert mmdia_dataset.validate(out).counts == {}


def mapped(world, words):
    (world.media / "media.toml").write_text(f'[tt0000001]\npath = "One {{imdb-tt0000001}}.mp4"\n{words}\n')


def with_moved_turns(world):
    """The first dialogue's second turn begins earlier, inside the same span."""
    file = world.release / "json" / "movie" / "tt0000001.json"
    data = json.loads(file.read_text())
    first, second = data["clips"][0]["srt"]
    first["abs_end_time"] = second["abs_start_time"] = "00:00:00,600"
    first["relative_end"] = second["relative_start"] = "00:00:00,400"
    file.write_text(json.dumps(data))


def with_another_edition(world):
    file = world.root / "editions" / "tt0000001.json"
    data = json.loads(file.read_text())
    data["pieces"][0]["offset_ms"] = 300
    file.write_text(json.dumps(data))


def with_another_film(world):
    films.make_film(world.media / "One {imdb-tt0000001}.mp4", seconds=5, tracks=[films.Track(seed=9)])


CHANGES = {
    "offset": lambda world: mapped(world, "offset_ms = 500"),
    "rate": lambda world: mapped(world, 'rate = "25025/24000"'),
    "span": lambda world: write_movie(world.root, "tt0000001", [(200, 1500)]),
    "recording": lambda world: films.make_film(
        world.media / "One {imdb-tt0000001}.mp4", seconds=5, tracks=[films.Track(seed=9)]
    ),
    "edition": with_another_edition,
    "turns": with_moved_turns,
}


@pytest.mark.parametrize(
    ("change", "first", "then", "made"),
    [
        (None, {}, {}, 0),
        ("offset", {}, {}, 1),
        ("rate", {}, {}, 1),
        ("span", {}, {}, 1),
        ("recording", {}, {}, 1),
        ("edition", {"editions": True}, {"editions": True}, 1),
        (None, {"editions": True}, {"editions": True}, 0),
        (None, {}, {"mono": True}, 1),
        ("turns", {}, {}, 0),  # the same sound
        ("turns", {"mode": "keyframes"}, {"mode": "keyframes"}, 1),
        (None, {"mode": "keyframes"}, {"mode": "keyframes"}, 0),
        (None, {"mode": "keyframes"}, {"mode": "keyframes", "height": 64}, 1),
    ],
)
def test_a_clip_is_kept_only_where_all_it_was_made_from_is_the_same(copy, change, first, then, made):
    """In one folder, with the clip of the first run still there."""
    wanted = {"release": copy.release, "media": copy.media, "ids": ["tt0000001_clip_0"]}
    if first.get("editions"):  # as somebody else, or an earlier run, left them
        mapped(copy, "offset_ms = 200")
        mmdia_dataset.rebuild(out=copy.root / "given", **wanted)
        shutil.copytree(copy.root / "given" / "editions", copy.root / "editions")
        (copy.media / "media.toml").unlink()
        first, then = ({**options, "editions": copy.root / "editions"} for options in (first, then))
    out = copy.root / "built"
    report = mmdia_dataset.rebuild(out=out, **wanted, **{"mode": "audio", **first})
    assert (report.made, report.kept) == (1, 0)
    before = lines_of(out)["tt0000001_clip_0"]
    if change:
        CHANGES[change](copy)
    report = mmdia_dataset.rebuild(out=out, **wanted, **{"mode": "audio", **then})
    assert (report.made, report.kept) == (made, 1 - made)
    after = lines_of(out)["tt0000001_clip_0"]
    assert (after.sha256 != before.sha256) == bool(made)
    mmdia_dataset.rebuild(out=copy.root / "anew", **wanted, **{"mode": "audio", **then})
    assert tree(out / "clips") == tree(copy.root / "anew" / "clips")


def test_a_row_counts_the_frames_of_the_clip_it_shows(copy):
    """An encoded clip takes the place of a copied one, with as many pictures as its rate gives."""
    out, wanted = copy.root / "built", ["tt0000001_clip_0"]
    mmdia_dataset.rebuild(copy.release, copy.media, out, ids=wanted)
    (copied,) = rows_of(out, "train")
    mmdia_dataset.rebuild(copy.release, copy.media, out, ids=wanted, mode="encode", fps="12", preset="ultrafast")
    (encoded,) = rows_of(out, "train")
    assert copied.frames == len(films.numbers_av(out / copied.video.path))
    assert encoded.frames == len(films.numbers_av(out / encoded.video.path)) < copied.frames


def test_a_clip_that_was_touched_is_noticed_and_made_again(world, built, tmp_path):
    out = tmp_path / "built"
    shutil.copytree(built, out)
    first, second, third = sorted((out / "clips").rglob("*.mp4"))[:3]
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(data)
    second.unlink()
    (third.parent / "mine.mp4").write_bytes(b"")
    (out / "annotations" / "hard.parquet").write_bytes(b"PAR1")
    found = {issue.rule for issue in issues(out)}
    assert found == {"clip-changed", "clip-missing", "clip-unknown", "bad-parquet"}
    report = mmdia_dataset.rebuild(world.release, world.media, out)
    assert (report.made, report.kept) == (2, 3)
    assert tree(out) == tree(built)


def test_another_film_under_the_same_name_is_cut_again(copy):
    out = copy.root / "built"
    mmdia_dataset.rebuild(copy.release, copy.media, out, ids=["tt0000002_clip_0"])
    films.make_film(copy.media / "tt0000002.mkv", seconds=4, options={**films.X264, "crf": "30"})
    report = mmdia_dataset.rebuild(copy.release, copy.media, out, ids=["tt0000002_clip_0"])
    assert (report.made, report.kept) == (1, 0)


def test_splits_and_modes_add_up(world, tmp_path):
    out = tmp_path / "built"
    mmdia_dataset.rebuild(world.release, world.media, out, split="test")
    assert [row.id for row in rows_of(out, "hard")] == ["tt0000002_clip_1"]
    assert not (out / "annotations" / "train.parquet").exists()
    mmdia_dataset.rebuild(world.release, world.media, out, split="validation", mode="audio", mono=True)
    report = mmdia_dataset.rebuild(world.release, world.media, out, split="test", mode="audio")
    assert report.made == 2
    test, validation = rows_of(out, "test"), rows_of(out, "validation")
    assert all(row.video and row.audio and (out / row.audio.path).is_file() for row in test)
    assert validation[0].video is None
    assert mmdia_dataset.validate(out).counts == {}


def test_media_toml_shifts_time(copy):
    (copy.media / "media.toml").write_text('[tt0000001]\npath = "One {imdb-tt0000001}.mp4"\noffset_ms = 500\n')
    out = copy.root / "built"
    mmdia_dataset.rebuild(copy.release, copy.media, out, ids=["tt0000001_clip_0"])
    line = lines_of(out)["tt0000001_clip_0"]
    assert films.numbers_av(out / line.file) == frames_in(copy.films["tt0000001"], 700, 1900)
    assert (line.evidence.tier, line.offset_ms) == ("given", 500)


def test_edition_files_of_another_owner_of_the_same_file(copy):
    (copy.media / "media.toml").write_text('[tt0000001]\npath = "One {imdb-tt0000001}.mp4"\noffset_ms = 500\n')
    mmdia_dataset.rebuild(copy.release, copy.media, copy.root / "first", ids=["tt0000001_clip_0"])
    (copy.media / "media.toml").unlink()
    editions = copy.root / "first" / "editions"
    out = copy.root / "second"
    mmdia_dataset.rebuild(copy.release, copy.media, out, ids=["tt0000001_clip_0"], editions=editions)
    assert lines_of(out)["tt0000001_clip_0"].offset_ms == 500
    films.make_film(copy.media / "One {imdb-tt0000001}.mp4", seconds=5, options={**films.X264, "crf": "30"})
    report = mmdia_dataset.rebuild(copy.release, copy.media, out, ids=["tt0000001_clip_0"], editions=editions)
    assert "made from another file" in report.notes["tt0000001"][0]
    # Its sound is noise and its release has no passport: where its dialogues are can't be known.
    assert lines_of(out)["tt0000001_clip_0"].reasons[0].rule == "too-little-evidence"


def test_bad_films_cost_only_their_own_clips(copy):
    (copy.media / "tt0000003.mkv").write_bytes(b"")
    film = copy.media / "tt0000002.mkv"
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    write_movie(copy.root, "tt0000001", [*SPANS["tt0000001"], (4000, 9000)])
    out = copy.root / "built"
    report = mmdia_dataset.rebuild(copy.release, copy.media, out)
    assert report.refused["unreadable-recording"] == 1
    assert report.refused["outside-recording"] >= 1
    assert report.exit_code == 1
    assert len(rows_of(out, "train")) == 2
    for line in lines_of(out).values():
        if not isinstance(line, MadeLine):
            assert "\n" not in line.reasons[0].detail


def test_a_movie_that_names_a_path_is_not_written_outside(copy):
    file = write_movie(copy.root, "tt0000001", SPANS["tt0000001"])
    data = json.loads(file.read_text())
    data["movie"] = "../../x"
    file.write_text(json.dumps(data))
    out = copy.root / "deep" / "er" / "built"
    mmdia_dataset.rebuild(copy.release, copy.media, out)
    outside = {p.name for p in copy.root.iterdir()} | {p.name for p in (copy.root / "deep").iterdir()}
    assert outside == {"release", "media", "deep", "er"}
    assert any("../../x" in issue.message for issue in issues(copy.release))


def test_odd_names(copy):
    odd = 'it\'s "a"\n film ünï tt0000002 [x].mkv'
    (copy.media / "tt0000002.mkv").rename(copy.media / odd)
    (copy.media / "media.toml").unlink()
    out = copy.root / 'o\'ut "ü"'
    report = mmdia_dataset.rebuild(copy.release, copy.media, out, split="test", as_is=True)
    assert report.made == 2
    assert lines_of(out)["tt0000002_clip_0"].recording.name == odd
    assert mmdia_dataset.validate(out).counts == {}


def test_two_runs_do_not_write_into_each_other(world, tmp_path):
    directory = BuiltDirectory(tmp_path / "built")
    with directory.open(), pytest.raises(UsageError, match="another run is writing here"):
        mmdia_dataset.rebuild(world.release, world.media, tmp_path / "built")


def test_a_folder_of_something_else_is_left_alone(world, tmp_path):
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty and not a built directory"):
        mmdia_dataset.rebuild(world.release, world.media, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_a_folder_of_clips_of_somebody_else_is_left_alone(world, tmp_path):
    """Other datasets have a clips/ folder and a manifest.jsonl too."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "common_voice_1.mp3").write_text("x")
    (tmp_path / "manifest.jsonl").write_text('{"audio_filepath": "clips/common_voice_1.mp3", "text": "hello"}\n')
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="not empty and not a built directory"):
        mmdia_dataset.rebuild(world.release, world.media, tmp_path)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("link", ["clips", "editions", "annotations", "clips/tt0000001"])
def test_nothing_is_written_or_swept_through_a_link(world, built, tmp_path, link):
    out, precious = tmp_path / "built", tmp_path / "precious"
    shutil.copytree(built, out)
    precious.mkdir()
    (precious / "file.mp4").write_text("x")
    shutil.rmtree(out / link)
    (out / link).symlink_to(precious)
    with pytest.raises(UsageError, match="a link leads out of the folder"):
        mmdia_dataset.rebuild(world.release, world.media, out)
    assert [path.name for path in precious.iterdir()] == ["file.mp4"]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"split": "nonsense"}, ConfigError, "known splits are train"),
        ({"split": "bench"}, ConfigError, "'bench' is empty"),
        ({"ids": ["tt9_clip_0"]}, ConfigError, "not in the release"),
        ({"mode": "photo"}, UsageError, "known modes are copy, encode, audio"),
        ({"mode": "copy", "mono": True}, UsageError, "one of mode audio"),
        ({"media": "gone"}, UsageError, "no such folder"),
        ({"release": "gone"}, ReleaseNotFound, "gone"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_written(world, tmp_path, arguments, error, said):
    out = tmp_path / "built"
    wishes = {"release": world.release, "media": world.media, "out": out, **arguments}
    with pytest.raises(error, match=said):
        mmdia_dataset.rebuild(**wishes)
    assert not out.exists()


IN_TMPFS = """
import sys, mmdia_dataset
try:
    mmdia_dataset.rebuild(*sys.argv[1:4])
except mmdia_dataset.MmdiaError as error:
    print(type(error).__name__, error)
"""


def run_on_disk(world, folder, options):
    """Rebuild onto a tmpfs mounted with options, in a mount namespace of its own."""
    code = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = f'mount -t tmpfs -o {options} disk "$1" && shift && "$@" && (find "$0" -name "*.mp4" -o -name "*.part")'
    command = [sys.executable, "-c", IN_TMPFS, str(world.release), str(world.media), str(folder / "built")]
    return subprocess.run([*code, script, str(folder), str(folder), *command], capture_output=True, text=True)


def can_mount():
    probe = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a user namespace with mounts")
def test_a_full_disk_and_a_read_only_one(world, tmp_path):
    (tmp_path / "disk").mkdir()
    full = run_on_disk(world, tmp_path / "disk", "size=150k")
    assert full.stdout.startswith("OutputError"), full
    assert "the disk is full" in full.stdout.splitlines()[0]
    assert ".part" not in full.stdout
    closed = run_on_disk(world, tmp_path / "disk", "size=9m,ro")
    assert closed.stdout.startswith("OutputError"), closed
    assert len(closed.stdout.splitlines()) == 1


def test_a_file_size_limit_is_said_and_overcome(world, built, tmp_path):
    import resource

    out = tmp_path / "built"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        with pytest.raises(OutputError):
            mmdia_dataset.rebuild(world.release, world.media, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not [name for _, _, names in os.walk(out / "clips") for name in names if not name.endswith(".mp4")]
    mmdia_dataset.rebuild(world.release, world.media, out)
    assert tree(out) == tree(built)


def test_paths_may_be_text(world, tmp_path):
    report = mmdia_dataset.rebuild(
        str(world.release), str(world.media), str(tmp_path / "built"), ids=["tt0000001_clip_0"]
    )
    assert isinstance(report.out, Path)
    assert report.made == 1
