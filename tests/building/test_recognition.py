"""Recordings as they lie in libraries: damaged ones, several sound tracks, names that say nothing or lie."""

import json
import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import mmdia_dataset
from mmdia_dataset import cli
from mmdia_dataset.built.manifest import read_lines
from mmdia_dataset.schema import Edition, Passport
from tests.support import editions_on_disk as disk
from tests.support.editions import PAL, RATE, edition, make_film
from tests.support.worlds import tree

FILM, OTHER = 5, 6  # seeds


def mmdia(*arguments, code=0):
    """Run a command; gives standard output and standard error, which hold no traceback."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    assert "Traceback" not in result.stdout + result.stderr
    return result.stdout, result.stderr


def edition_in(folder, movie):
    return Edition.model_validate_json((folder / f"{movie}.json").read_bytes())


def lines_of(folder):
    return {line.id: line for _, line, _ in read_lines(folder / "manifest.jsonl")}


@pytest.fixture(scope="module")
def passport(tmp_path_factory):
    """The passport of FILM, made from a copy of it, to be given to any movie."""
    root = tmp_path_factory.mktemp("curator")
    disk.annotate(root / "release", "tt0000001", make_film(FILM, 3))
    disk.write_sound(root / "media" / "tt0000001.flac", make_film(FILM, 3).samples())
    made = mmdia_dataset.fingerprint(root / "release", root / "media", root / "passports").made["tt0000001"]
    return Passport.model_validate_json(made.read_bytes())


def give(release, passport, movie, **changed):
    """A release gets a passport under a movie's id."""
    file = release / "passports" / f"{movie}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(passport.model_copy(update={"movie": movie, **changed}).model_dump_json(), encoding="utf-8")


# Bad recordings

GOOD = "tt9920000"


def _no_sound(file, film):
    disk.write_tracks(file.with_suffix(".mkv"), fps=5, seconds=10)


def _silent(file, film):
    disk.write_sound(file.with_suffix(".flac"), np.zeros(10 * RATE))


def _short_sound(file, film):
    half = film.samples()[: 70 * RATE]
    disk.write_tracks(file.with_suffix(".mkv"), disk.Sound(half), fps=5, seconds=film.duration_s)


def _garbage(file, film):
    file.with_suffix(".mkv").write_bytes(np.random.default_rng(1).bytes(200_000))


def _garbage_with_a_header(file, film):
    file.with_suffix(".mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + np.random.default_rng(1).bytes(99_999))


def _empty(file, film):
    file.with_suffix(".mkv").write_bytes(b"")


def _text(file, film):
    file.with_suffix(".avi").write_text("this is no film\n" * 99, encoding="utf-8")


def _picture(file, film):
    file.with_suffix(".mkv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))


def _cut_off(file, film):
    whole = disk.write_tracks(file.with_suffix(".mkv"), disk.Sound(film.samples()))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])


def _named_pipe(file, film):
    os.mkfifo(file.with_suffix(".mkv"))


def _dangling_link(file, film):
    file.with_suffix(".mkv").symlink_to(file.with_name("gone.mkv"))


# What is wrong, the rule all its dialogues are refused by (None: some are placed), and words of the sentence.
BAD = {
    "no-sound": (_no_sound, "no-audio", "no sound track"),
    "silent": (_silent, "too-little-evidence", "silent"),
    "short-sound": (_short_sound, None, ""),
    "garbage": (_garbage, "unreadable-recording", "not a film"),
    "header": (_garbage_with_a_header, "unreadable-recording", "cut off before its index"),
    "empty": (_empty, "unreadable-recording", "the file is empty"),
    "text": (_text, "unreadable-recording", "not a film"),
    "picture": (_picture, "unreadable-recording", ""),
    "cut-off": (_cut_off, None, ""),
    "pipe": (_named_pipe, "no-recording", ""),
    "link": (_dangling_link, "no-recording", ""),
}
BAD_MOVIES = {f"tt99200{n + 1:02}": kind for n, kind in enumerate(BAD)}


@pytest.fixture(scope="module")
def ward(passport, tmp_path_factory):
    """A release whose recordings are all bad but one."""
    root, film = tmp_path_factory.mktemp("ward"), make_film(FILM, 3)
    (root / "media").mkdir()
    for movie in (GOOD, *BAD_MOVIES):
        disk.annotate(root / "release", movie, film)
        give(root / "release", passport, movie)
        if movie != GOOD:
            BAD[BAD_MOVIES[movie]][0](root / "media" / movie, film)
    disk.write_sound(root / "media" / f"{GOOD}.flac", film.samples())
    return SimpleNamespace(root=root, release=root / "release", media=root / "media", film=film)


def test_bad_recordings_are_each_said_in_a_sentence_and_the_others_go_on(ward, tmp_path):
    report = mmdia_dataset.rebuild(ward.release, ward.media, tmp_path / "built", mode="audio")
    lines = lines_of(tmp_path / "built")
    count = len(ward.film.dialogues)
    assert report.exit_code == 1
    assert [lines[f"{GOOD}_clip_{n}"].status for n in range(count)] == ["made"] * count
    for movie, kind in BAD_MOVIES.items():
        _, rule, words = BAD[kind]
        mine = [lines[f"{movie}_clip_{n}"] for n in range(count)]
        reasons = [line.reasons[0] for line in mine if line.status == "refused"]
        for reason in reasons:
            assert "\n" not in reason.detail
            assert len(reason.detail) < 300
        if rule is None:
            made = [line for line in mine if line.status == "made"]
            assert 0 < len(made) < count, kind
            assert {reason.rule for reason in reasons} <= {"absent", "splice", "outside-recording"}, (kind, reasons)
            for line in made:
                start = round(line.at.start_s * RATE)
                clip = disk.clip_samples(tmp_path / "built" / line.file)
                assert np.array_equal(clip, disk.pcm(ward.film.samples())[start : start + len(clip)])
        else:
            assert {reason.rule for reason in reasons} == {rule}, (kind, reasons)
            assert len(reasons) == count
            assert words in reasons[0].detail, (kind, reasons[0])
    assert mmdia_dataset.validate(tmp_path / "built").errors == 0


def test_bad_recordings_in_the_commands(ward, tmp_path):
    folders = ["--release", ward.release, "--media", ward.media]
    out, _ = mmdia("align", *folders, "--out", tmp_path / "editions", code=1)
    for movie in BAD_MOVIES:
        assert movie in out or not next(ward.media.glob(f"{movie}.*")).is_file()
    assert "no sound track" in out
    mmdia("locate", *folders)
    out, _ = mmdia("fingerprint", *folders, "--out", tmp_path / "passports", code=1)
    assert "the sound track is silent" in out
    assert "the file is empty" in out
    assert (tmp_path / "passports" / f"{GOOD}.json").is_file()
    mmdia("align", "--release", ward.release, "--media", tmp_path / "gone", "--out", tmp_path / "x", code=2)
    mmdia("align", "--release", tmp_path / "gone", "--media", ward.media, "--out", tmp_path / "x", code=3)
    assert not (tmp_path / "x").exists()
    (tmp_path / "nothing").mkdir()
    mmdia("align", "--release", ward.release, "--media", tmp_path / "nothing", "--out", tmp_path / "x", code=1)


def test_sound_on_eight_channels(passport, tmp_path):
    film = make_film(FILM, 3)
    disk.annotate(tmp_path / "release", GOOD, film)
    give(tmp_path / "release", passport, GOOD)
    made = edition(film, logo_s=3.0)
    disk.write_tracks(tmp_path / "media" / f"{GOOD}.mkv", disk.Sound(made.samples, layout="7.1"))
    report = mmdia_dataset.rebuild(tmp_path / "release", tmp_path / "media", tmp_path / "built", mode="audio")
    assert report.made == len(film.dialogues)
    line = lines_of(tmp_path / "built")[f"{GOOD}_clip_0"]
    clip = disk.clip_samples(tmp_path / "built" / line.file)
    assert clip.shape[1] == 8
    assert abs(disk.found_at(clip[:, 0], disk.pcm(made.samples), round(made.place_s(line.span) * RATE)) / RATE
               - made.place_s(line.span)) < 0.02  # fmt: skip


# Several sound tracks


@pytest.fixture(scope="module")
def original():
    """What is played in all the recordings with several tracks, by language: the movie, a dub, another film."""
    film = make_film(FILM, 3)
    music = 8 * film.bed
    made = edition(film, logo_s=3.0)
    logo = np.zeros(3 * RATE)
    dub = np.concatenate([logo, film.samples(dub=True) + music])
    return SimpleNamespace(film=film, made=made, own=made.samples, dub=dub, other=make_film(OTHER, 3).samples())


@pytest.fixture
def several(passport, original, tmp_path):
    """Rebuilds from a recording with the tracks given; gives the report, the edition, and the clips' lines."""

    def run(*tracks, language=None, spoken=None, known=True):
        disk.annotate(tmp_path / "release", GOOD, original.film)
        if known:
            give(tmp_path / "release", passport, GOOD, language=spoken)
        disk.write_tracks(tmp_path / "media" / f"{GOOD}.mkv", *tracks)
        out = tmp_path / "built"
        report = mmdia_dataset.rebuild(tmp_path / "release", tmp_path / "media", out, mode="audio", language=language)
        return report, edition_in(out / "editions", GOOD), lines_of(out), out

    return run


def check_sound(original, lines, out):
    """Every clip has the movie's own sound, from the right place."""
    for dialogue in original.film.dialogues:
        line, true = lines[f"{GOOD}_clip_{dialogue.number}"], original.made.place_s(dialogue.span)
        at = disk.found_at(disk.clip_samples(out / line.file), disk.pcm(original.own), round(true * RATE))
        assert abs(at / RATE - true) < 0.02


def test_the_track_of_the_passports_language(original, several):
    dub, own = disk.Sound(original.dub, "fra", default=True), disk.Sound(original.own, "eng")
    report, _, lines, out = several(dub, own, spoken="eng")
    assert report.made == len(original.film.dialogues)
    check_sound(original, lines, out)


def test_the_track_of_the_language_asked_for(original, several):
    dub, own = disk.Sound(original.dub, "fra", default=True), disk.Sound(original.own, "eng")
    report, found, lines, out = several(dub, own, language="en")
    assert report.made == len(original.film.dialogues)
    assert (found.track, report.notes) == (1, {})
    check_sound(original, lines, out)


@pytest.mark.parametrize("first", ["dub", "other"])
def test_the_movies_track_is_found_by_evidence(original, several, first):
    """The first track is the default and another than the movie's; nothing says a language."""
    report, found, lines, out = several(disk.Sound(getattr(original, first), default=True), disk.Sound(original.own))
    assert report.made == len(original.film.dialogues)
    assert found.track == 1
    assert all(line.settings["track"] == 1 for line in lines.values())
    (note,) = report.notes[GOOD]
    assert note.endswith("track 2 is used")
    check_sound(original, lines, out)


def test_a_track_under_the_wrong_language(original, several):
    """The tags are the wrong way round."""
    dub, own = disk.Sound(original.dub, "eng", default=True), disk.Sound(original.own, "fra")
    report, found, lines, out = several(dub, own, spoken="eng")
    assert (report.made, found.track) == (len(original.film.dialogues), 1)
    check_sound(original, lines, out)


def test_no_track_is_the_movies(original, several):
    report, found, lines, _ = several(disk.Sound(original.dub, default=True), disk.Sound(original.other))
    assert (report.made, found.placed) == (0, ())
    assert {line.reasons[0].rule for line in lines.values()} <= {"other-language", "other-movie"}


@pytest.fixture
def unaided(original, tmp_path):
    """Rebuilds from a recording with several tracks by speech alone; the dialogues say their language, if wanted."""

    def run(*tracks, spoken=None):
        film = make_film(FILM, 4)
        disk.annotate(tmp_path / "json", GOOD, film)
        mmdia_dataset.convert(tmp_path / "json", to="jsonl", out=tmp_path / "release")
        for file in (tmp_path / "release" / "dialogues").glob("*.jsonl"):
            rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            lines = [json.dumps({**row, "language": spoken}) + "\n" for row in rows]
            file.write_text("".join(lines), encoding="utf-8")
        sounds = {
            "own": film.samples(),
            "dub": film.samples(dub=True) + 8 * film.bed,
            "other": make_film(OTHER, 4).samples(),
        }
        made = [disk.Sound(sounds[name], language, default=not n) for n, (name, language) in enumerate(tracks)]
        disk.write_tracks(tmp_path / "media" / f"{GOOD}.mkv", *made)
        out = tmp_path / "built"
        report = mmdia_dataset.rebuild(tmp_path / "release", tmp_path / "media", out, mode="audio")
        for line in lines_of(out).values():
            if line.status == "made":  # whatever was chosen: it is the movie's own sound
                at = round(line.span.start_ms * RATE / 1000)
                clip = disk.clip_samples(out / line.file)
                assert abs(disk.found_at(clip, disk.pcm(sounds["own"]), at) - at) < 0.16 * RATE
        return report, len(film.dialogues)

    return run


def test_the_track_of_the_dialogues_language(unaided):
    report, count = unaided(("dub", "fra"), ("own", "eng"), spoken="en")
    assert report.made == count


def test_all_tracks_are_of_other_languages(unaided):
    report, count = unaided(("dub", "fra"), ("dub", "deu"), spoken="en")
    assert (report.made, report.refused) == (0, {"other-language": count})


@pytest.mark.parametrize("first", ["dub", "other"])
def test_without_passport_tracks_that_say_nothing_are_no_trap(unaided, first):
    report, _ = unaided((first, None), ("own", None))
    assert report.wanted == report.made + report.refused.total()


# Libraries


MOVIES = [f"tt99300{n:02}" for n in range(20)]
FIRST = 20  # seed of the first movie's film
# What each movie's own recording is called; movies 18 and 19 have none.
NAMES = {
    **{n: f"rip/disc {n} title 01.flac" for n in range(8)},
    8: f"{MOVIES[9]}.flac",
    9: f"{MOVIES[8]}.flac",
    10: f"{MOVIES[11]}.flac",
    11: f"{MOVIES[12]}.flac",
    12: f"{MOVIES[10]}.flac",
    13: "unknown/aaa.flac",
    14: "unknown/bbb.flac",
    15: "unknown/ccc.flac",
    16: f"{MOVIES[16]}.flac",
    17: f"{MOVIES[17]}.flac",
}
OTHERS = {13: {"rate": PAL}, 14: {"logo_s": 5.0}, 15: {"rate": 1 / PAL, "logo_s": 2.5}}


def film_of(n):
    return make_film(FIRST + n, 1.5)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Sixty recordings: eighteen of the release's twenty movies, under names that say nothing, lie, or are true."""
    root = tmp_path_factory.mktemp("library")
    release, media, copies, made = root / "release", root / "media", root / "copies", {}
    for n, movie in enumerate(MOVIES):
        disk.annotate(release, movie, film_of(n))
        copy = disk.write_sound(copies / f"{movie}.flac", film_of(n).samples())
        made[movie] = edition(film_of(n), **OTHERS.get(n, {}))
        if n not in NAMES:
            continue
        own = media / NAMES[n]
        own.parent.mkdir(parents=True, exist_ok=True)
        if n in OTHERS:
            disk.write_sound(own, made[movie].samples)
        else:
            own.hardlink_to(copy)
    report = mmdia_dataset.fingerprint(release, copies, release / "passports")
    assert len(report.made) == len(MOVIES)
    # A movie that isn't there, under whose name another film lies; other films; music; and what is no film at all.
    disk.write_sound(media / f"{MOVIES[18]}.flac", make_film(90, 1.5).samples())
    strangers = [make_film(60 + n, 1.2) for n in range(5)]
    for n, stranger in enumerate(strangers):
        disk.write_sound(media / "home" / f"video {n}.flac", stranger.samples())
    for n in range(12):
        bed = np.roll(strangers[n % 5].bed, n * 70_001)
        disk.write_sound(media / "music" / f"track {n:02}.flac", bed[: 30 * RATE] * 8)
    for n in range(24):
        (media / "home" / f"clip {n}.mkv").write_bytes(np.random.default_rng(n).bytes(5000) if n else b"")
    assert sum(file.is_file() for file in media.rglob("*.*")) == 60
    report = mmdia_dataset.rebuild(release, media, root / "built", mode="audio")
    return SimpleNamespace(release=release, copies=copies, media=media, made=made, out=root / "built", report=report)


def test_sixty_files_under_misleading_names(library):
    lines = lines_of(library.out)
    for n, name in NAMES.items():
        movie = MOVIES[n]
        made = library.made[movie]
        assert edition_in(library.out / "editions", movie).recording.name == (library.media / name).name
        mine = [line for line in lines.values() if line.movie == movie]
        assert {line.status for line in mine} == {"made"}, n
        for line in mine:
            true = made.place_s(line.span)
            at = disk.found_at(disk.clip_samples(library.out / line.file), disk.pcm(made.samples), round(true * RATE))
            assert abs(at / RATE - true) * 1000 <= line.evidence.error_ms + 0.2 < 25, n


def test_what_is_not_there_is_said(library):
    report, lines = library.report, lines_of(library.out)
    assert set(report.refused) == {"other-movie", "no-recording"}
    assert {line.movie for line in lines.values() if line.status == "refused"} == {MOVIES[18], MOVIES[19]}
    assert edition_in(library.out / "editions", MOVIES[18]).placed == ()
    assert report.missing == {MOVIES[19]: f"no file or folder name matches {MOVIES[19]}"}


def test_names_that_lied_are_noted(library):
    for n in (8, 9, 10, 11, 12):
        assert any(NAMES[n] in note for note in library.report.notes[MOVIES[n]])
    assert not {MOVIES[16], MOVIES[17]} & set(library.report.notes)


def test_locate_says_what_it_hears(library, tmp_path):
    shutil.copytree(library.media / "unknown", tmp_path / "media")
    shutil.copy(library.media / "home" / "video 0.flac", tmp_path / "media")
    out, err = mmdia("locate", "--release", library.release, "--media", tmp_path / "media")
    for n in OTHERS:
        assert f"it sounds like {MOVIES[n]}" in out
    assert f"missing  {MOVIES[19]}" in out
    assert "video 0" not in out
    assert "mmdia align" in err


def test_a_folder_with_nothing_useful(library, tmp_path):
    shutil.copytree(library.media / "home", tmp_path / "media")
    report = mmdia_dataset.rebuild(library.release, tmp_path / "media", tmp_path / "built", mode="audio")
    assert (report.made, report.refused["no-recording"], report.exit_code) == (0, report.wanted, 1)
    (tmp_path / "empty").mkdir()
    report = mmdia_dataset.align(library.release, tmp_path / "empty", tmp_path / "editions")
    assert (report.placed, len(report.missing), report.exit_code) == (0, 20, 1)


def test_a_movie_whose_name_another_bears_and_whose_own_says_nothing(library, tmp_path):
    """The first bears the second's name, the second none at all."""
    (tmp_path / "media").mkdir()
    for n, name in ((0, f"{MOVIES[1]}.flac"), (1, "holiday.flac")):
        shutil.copy(library.media / NAMES[n], tmp_path / "media" / name)
    out = tmp_path / "built"
    report = mmdia_dataset.rebuild(library.release, tmp_path / "media", out, mode="audio")
    found = {line.movie: line.recording.name for line in lines_of(out).values() if line.status == "made"}
    assert found == {MOVIES[0]: f"{MOVIES[1]}.flac", MOVIES[1]: "holiday.flac"}
    made, before = report.made, tree(out)
    report = mmdia_dataset.rebuild(library.release, tmp_path / "media", out, mode="audio")
    assert (report.made, report.kept) == (0, made)
    assert tree(out) == before


@pytest.mark.parametrize("short_first", [False, True])
def test_the_better_of_two_recordings_is_taken(passport, tmp_path, short_first):
    film = make_film(FILM, 3)
    disk.annotate(tmp_path / "release", GOOD, film)
    give(tmp_path / "release", passport, GOOD)
    whole, short = edition(film, logo_s=2.0), edition(film, removed=(1, 2))
    names = ["a", "b"] if short_first else ["b", "a"]
    for name, made in zip(names, (short, whole), strict=True):
        disk.write_sound(tmp_path / "media" / f"{name} {{imdb-{GOOD}}}.flac", made.samples)
    report = mmdia_dataset.rebuild(tmp_path / "release", tmp_path / "media", tmp_path / "built", mode="audio")
    assert report.made == len(film.dialogues)
    best, other = f"{names[1]} {{imdb-{GOOD}}}.flac", f"{names[0]} {{imdb-{GOOD}}}.flac"
    (note,) = report.notes[GOOD]
    assert note == f"{best} is used, not {other} (3 dialogues placed)"
    assert {line.recording.name for line in lines_of(tmp_path / "built").values()} == {best}


@pytest.mark.parametrize("noisy_first", [False, True])
def test_of_two_recordings_that_have_all_the_more_exact_one_is_taken(passport, tmp_path, noisy_first):
    film = make_film(FILM, 3)
    disk.annotate(tmp_path / "release", GOOD, film)
    give(tmp_path / "release", passport, GOOD)
    names = ["a", "b"] if noisy_first else ["b", "a"]
    for name, noise in zip(names, (0.01, 0.0), strict=True):
        samples = edition(film, noise=noise).samples
        disk.write_sound(tmp_path / "media" / f"{name} {{imdb-{GOOD}}}.flac", samples)
    report = mmdia_dataset.align(tmp_path / "release", tmp_path / "media", tmp_path / "editions")
    assert report.placed == len(film.dialogues)
    best, other = f"{names[1]} {{imdb-{GOOD}}}.flac", f"{names[0]} {{imdb-{GOOD}}}.flac"
    (note,) = report.timings[GOOD].notes
    assert note == f"{best} is used, not {other} ({report.placed} dialogues placed)"


KILLED = """
import os, sys, mmdia_dataset
def progress(stage, done, total):
    if stage == "finding the timing" and done == 2: os.kill(os.getpid(), 9)
mmdia_dataset.align(*sys.argv[1:4], progress=progress)
"""


def test_a_killed_run_goes_on_and_makes_the_same_files(library, tmp_path):
    (tmp_path / "media").mkdir()
    for movie in MOVIES[:4]:
        shutil.copy(library.copies / f"{movie}.flac", tmp_path / "media")
    once, again = tmp_path / "once", tmp_path / "again"
    mmdia_dataset.align(library.release, tmp_path / "media", once)
    command = [sys.executable, "-c", KILLED, str(library.release), str(tmp_path / "media"), str(again)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    assert 0 < len(list(again.glob("*.json"))) < 4
    mmdia_dataset.align(library.release, tmp_path / "media", again)
    assert tree(again) == tree(once)
    assert len(tree(once)) == 8


@pytest.mark.parametrize("good", ["a", "b"])
def test_of_two_recordings_one_can_t_be_read(passport, tmp_path, good):
    film = make_film(FILM, 3)
    disk.annotate(tmp_path / "release", GOOD, film)
    give(tmp_path / "release", passport, GOOD)
    for name in ("a", "b"):
        file = disk.write_sound(tmp_path / "media" / f"{name} {{imdb-{GOOD}}}.flac", film.samples())
        if name != good:
            file.write_bytes(b"garbage" * 99)
    report = mmdia_dataset.align(tmp_path / "release", tmp_path / "media", tmp_path / "editions")
    assert report.timings[GOOD].located.path.name.startswith(good)
    assert len(edition_in(tmp_path / "editions", GOOD).placed) == len(film.dialogues)
    (note,) = report.timings[GOOD].notes
    bad = "b" if good == "a" else "a"
    assert f"{bad} {{imdb-{GOOD}}}.flac" in note
    assert "can't be" in note
