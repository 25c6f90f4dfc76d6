"""Alignment as curators and owners meet it: passports, editions of all kinds, and what is cut by them."""

import base64
import json
import shutil
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import mmdia_dataset
from mmdia_dataset import cli
from mmdia_dataset.built.manifest import read_lines
from mmdia_dataset.errors import UsageError
from mmdia_dataset.schema import Edition, Passport
from tests.support import editions_on_disk as disk
from tests.support.editions import PAL, RATE, edition, make_film
from tests.support.worlds import tree

ONE, TWO, THREE, FOUR = "tt9900001", "tt9900002", "tt9900003", "tt9900004"
SEEDS = {ONE: 5, TWO: 6, THREE: 7, FOUR: 8}
MINUTES = 3


def film_of(movie):
    return make_film(SEEDS[movie], MINUTES)


@pytest.fixture(scope="module")
def curator(tmp_path_factory):
    """A release of three movies with the passports of the copies that were annotated; tests must not change it."""
    root = tmp_path_factory.mktemp("curator")
    for movie in (ONE, TWO, THREE):
        disk.annotate(root / "release", movie, film_of(movie))
        disk.write_sound(root / "media" / f"{movie}.flac", film_of(movie).samples())
    made = mmdia_dataset.fingerprint(root / "release", root / "media", root / "release" / "passports")
    return SimpleNamespace(release=root / "release", media=root / "media", report=made)


@pytest.fixture(scope="module")
def owner(curator, tmp_path_factory):
    """Somebody's other editions of the three movies, and their alignment."""
    root = tmp_path_factory.mktemp("owner")
    editions = {
        ONE: edition(film_of(ONE), rate=PAL, logo_s=7.0),
        TWO: edition(film_of(TWO), removed=(1,)),
        THREE: edition(film_of(THREE), logo_s=4.5),
    }
    for movie, made in editions.items():
        disk.write_sound(root / "media" / f"{movie}.flac", made.samples)
    report = mmdia_dataset.align(curator.release, root / "media", root / "editions")
    return SimpleNamespace(media=root / "media", made=editions, editions=root / "editions", report=report)


def edition_in(folder, movie):
    return Edition.model_validate_json((folder / f"{movie}.json").read_bytes())


def lines_of(folder):
    return {line.id: line for _, line, _ in read_lines(folder / "manifest.jsonl")}


def test_passports(curator):
    report = curator.report
    assert set(report.made) == {ONE, TWO, THREE}
    assert (report.exit_code, report.failed, report.missing) == (0, {}, {})
    assert disk.passports_of(curator.release) == report.made
    for movie, file in report.made.items():
        passport = Passport.model_validate_json(file.read_bytes())
        assert (passport.movie, passport.duration_ms, passport.frame_rate) == (movie, MINUTES * 60_000, None)
    headers = 100 * len(report.made)
    assert (report.bytes - headers) / 1000 / report.hours < 15
    assert mmdia_dataset.validate(curator.release).errors == 0


def test_every_edition_is_known_and_every_dialogue_placed_or_refused(owner):
    assert (owner.report.exit_code, owner.report.missing) == (0, {})
    for movie, made in owner.made.items():
        found = edition_in(owner.editions, movie)
        spans = {f"{movie}_clip_{one.number}": one.span for one in film_of(movie).dialogues}
        present = {id_ for id_, span in spans.items() if made.place_s(span) is not None}
        assert {one.id for one in found.placed} == present
        assert {one.id for one in found.refused} == set(spans) - present
        time_map = found.time_map()
        for one in found.placed:
            start, _ = time_map.place(spans[one.id])
            assert abs(float(start) - made.place_s(spans[one.id])) * 1000 <= one.evidence.error_ms < 20
            assert one.evidence.tier == "fingerprint"
    assert {one.reasons[0].rule for one in edition_in(owner.editions, TWO).refused} == {"absent"}


def test_editions_are_described_and_drawn(owner):
    said = {movie: one.description for movie, one in owner.report.timings.items()}
    assert "PAL speed" in said[ONE]
    assert "starts 6.7 s later" in said[ONE]  # the logo at PAL speed
    assert "1 scene missing" in said[TWO]
    assert "dialogue 1 is missing" in said[TWO]
    assert "same speed as annotated, starts 4.5 s later" in said[THREE]
    for movie in owner.made:
        assert (owner.editions / f"{movie}.png").read_bytes().startswith(b"\x89PNG")
    assert mmdia_dataset.validate(*owner.editions.glob("*.json")).counts == {}


# What is cut


@pytest.fixture(scope="module")
def built(curator, owner, tmp_path_factory):
    """The owner's editions cut; tests must not change it."""
    out = tmp_path_factory.mktemp("built") / "built"
    report = mmdia_dataset.rebuild(curator.release, owner.media, out, mode="audio")
    return SimpleNamespace(out=out, report=report)


@pytest.fixture
def listened(monkeypatch):
    """The recordings listened to, as `align_recording` is called for them."""
    from mmdia_dataset.building import editions

    calls, really = [], editions.align_recording

    def counted(path, *arguments, **named):
        calls.append(path.name)
        return really(path, *arguments, **named)

    monkeypatch.setattr(editions, "align_recording", counted)
    return calls


def test_clips_hold_the_editions_own_samples(owner, built):
    lines = lines_of(built.out)
    assert (built.report.made, built.report.refused) == (16, {"absent": 1})
    assert built.report.exit_code == 0
    for movie, made in owner.made.items():
        samples = disk.pcm(made.samples)
        for dialogue in film_of(movie).dialogues:
            line, true = lines[f"{movie}_clip_{dialogue.number}"], made.place_s(dialogue.span)
            if true is None:
                assert (line.status, line.reasons[0].rule) == ("refused", "absent")
                assert line.reasons[0].detail == "your edition does not have this dialogue"
                continue
            clip = disk.clip_samples(built.out / line.file)
            at = disk.found_at(clip, samples, round(true * RATE))
            assert abs(at / RATE - true) * 1000 <= line.evidence.error_ms + 0.2
            assert abs(len(clip) / RATE - dialogue.span.duration_ms / 1000 / float(made.rate)) < 0.001
    assert mmdia_dataset.validate(built.out).counts == {}


def test_again_keeps_all_and_listens_to_nothing(curator, owner, built, listened):
    before = tree(built.out)
    report = mmdia_dataset.rebuild(curator.release, owner.media, built.out, mode="audio")
    assert (report.made, report.kept, report.refused) == (0, 16, {"absent": 1})
    assert listened == []
    assert tree(built.out) == before


def test_editions_aligned_before_are_not_listened_to_again(curator, owner, built, tmp_path, listened):
    report = mmdia_dataset.rebuild(
        curator.release, owner.media, tmp_path / "built", mode="audio", editions=owner.editions
    )
    assert (report.made, listened, report.notes) == (16, [], {})
    assert {line.file: line.sha256 for line in lines_of(tmp_path / "built").values() if line.status == "made"} == {
        line.file: line.sha256 for line in lines_of(built.out).values() if line.status == "made"
    }


def test_align_again_listens_to_nothing_and_writes_the_same(curator, owner, tmp_path, listened):
    shutil.copytree(owner.editions, tmp_path / "editions")
    mmdia_dataset.align(curator.release, owner.media, tmp_path / "editions")
    assert listened == []
    assert tree(tmp_path / "editions") == tree(owner.editions)
    mmdia_dataset.align(curator.release, owner.media, tmp_path / "anew")
    assert len(listened) == 3
    assert tree(tmp_path / "anew") == tree(owner.editions)


@pytest.fixture
def changing(curator, owner, built, tmp_path):
    """A release and a built directory of one's own to change, the owner's films as they are."""
    shutil.copytree(curator.release, tmp_path / "release")
    shutil.copytree(built.out, tmp_path / "built")
    return SimpleNamespace(release=tmp_path / "release", media=owner.media, out=tmp_path / "built")


def test_a_changed_passport_is_heard_anew(changing, listened):
    (changing.release / "passports" / f"{ONE}.json").unlink()
    report = mmdia_dataset.rebuild(changing.release, changing.media, changing.out, mode="audio")
    assert listened == [f"{ONE}.flac"]
    assert report.made + report.kept + report.refused.total() == 17


def test_changed_words_are_heard_anew(changing, listened):
    file = changing.release / "json" / "movie" / f"{TWO}.json"
    data = json.loads(file.read_text())
    data["clips"][0]["srt"][0]["text"] = "Entirely other words."
    data["clips"][0]["srt"][0]["character_annotation"] = data["clips"][0]["speaker"][0] + ": Entirely other words."
    file.write_text(json.dumps(data))
    report = mmdia_dataset.rebuild(changing.release, changing.media, changing.out, mode="audio")
    assert listened == [f"{TWO}.flac"]
    assert (report.made, report.kept) == (0, 16)


def test_more_dialogues_are_cut_without_losing_others(curator, owner, tmp_path, listened):
    """Which dialogues are wanted changes nothing in how a recording runs."""
    out = tmp_path / "built"
    mmdia_dataset.rebuild(curator.release, owner.media, out, mode="audio", ids=[f"{TWO}_clip_0"])
    report = mmdia_dataset.rebuild(curator.release, owner.media, out, mode="audio")
    assert (report.made, report.kept, len(listened)) == (15, 1, 3)


def test_an_edition_of_another_file_is_noted_and_not_used(curator, owner, tmp_path, listened):
    shutil.copytree(owner.editions, tmp_path / "editions")
    made = edition(film_of(ONE), logo_s=2.0)
    disk.write_sound(tmp_path / "media" / f"{ONE}.flac", made.samples)
    report = mmdia_dataset.rebuild(
        curator.release, tmp_path / "media", tmp_path / "built", mode="audio", editions=tmp_path / "editions"
    )
    assert listened == [f"{ONE}.flac"]
    (note,) = report.notes[ONE]
    assert "made from another file" in note
    line = lines_of(tmp_path / "built")[f"{ONE}_clip_0"]
    assert line.at.start_s == pytest.approx(
        made.place_s(line.span.__class__(line.span.start_ms, line.span.end_ms)), abs=0.02
    )


@pytest.mark.parametrize("text", ["", "{", '{"movie": 1}', "\x00\xff" * 50])
def test_a_broken_edition_file_is_noted_and_not_used(curator, owner, tmp_path, listened, text):
    (tmp_path / "editions").mkdir()
    (tmp_path / "editions" / f"{THREE}.json").write_text(text, encoding="utf-8")
    report = mmdia_dataset.rebuild(
        curator.release,
        owner.media,
        tmp_path / "built",
        mode="audio",
        ids=[f"{THREE}_clip_1"],
        editions=tmp_path / "editions",
    )
    assert report.notes == {THREE: (f"{THREE}.json is not used: it is not an edition of {THREE}",)}
    assert (report.made, listened) == (1, [f"{THREE}.flac"])


def test_an_edition_of_another_movie_is_noted_and_not_used(curator, owner, tmp_path):
    (tmp_path / "editions").mkdir()
    shutil.copy(owner.editions / f"{ONE}.json", tmp_path / "editions" / f"{THREE}.json")
    report = mmdia_dataset.rebuild(
        curator.release,
        owner.media,
        tmp_path / "built",
        mode="audio",
        ids=[f"{THREE}_clip_1"],
        editions=tmp_path / "editions",
    )
    assert (report.made, len(report.notes[THREE])) == (1, 1)


def test_as_is_takes_the_copy_unmeasured(curator, tmp_path, listened):
    report = mmdia_dataset.rebuild(curator.release, curator.media, tmp_path / "built", mode="audio", as_is=True)
    assert (report.made, listened) == (17, [])
    lines = lines_of(tmp_path / "built")
    for movie in (ONE, TWO, THREE):
        samples = disk.pcm(film_of(movie).samples())
        for dialogue in film_of(movie).dialogues:
            line = lines[f"{movie}_clip_{dialogue.number}"]
            start, end = (round(ms * RATE / 1000) for ms in (dialogue.span.start_ms, dialogue.span.end_ms))
            assert np.array_equal(disk.clip_samples(tmp_path / "built" / line.file), samples[start:end])
            assert (line.evidence.tier, line.evidence.error_ms) == ("identity", None)


def test_the_commands_say_what_was_done(curator, owner, tmp_path):
    def mmdia(*arguments, code=0):
        result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
        assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
        return result.stdout, result.stderr

    shutil.copytree(owner.editions, tmp_path / "editions")  # kept, so that nothing need be heard
    folders = ["--release", curator.release, "--media", owner.media]
    out, err = mmdia("align", *folders, "--out", tmp_path / "editions")
    assert "16 dialogues placed, 1 refused, in 3 recordings" in out
    assert "1 scene missing" in out
    assert "mmdia rebuild" in err
    out, _ = mmdia("align", *folders, "--out", tmp_path / "editions", "--format", "json")
    said = json.loads(out)
    assert (said["placed"], said["refused"], set(said["editions"])) == (16, 1, {ONE, TWO, THREE})
    assert said["editions"][TWO]["refused"] == 1
    command = ["rebuild", *folders, "--out", tmp_path / "built", "--mode", "audio", "--editions", tmp_path / "editions"]
    out, _ = mmdia(*command)
    assert "16 clips made, 0 kept, 1 refused" in out
    assert "1 refused, of 1 movie: absent" in out
    assert f"{TWO}_clip_1: your edition does not have this dialogue" in out


# Copies that are not what they are called


def test_a_dub_is_refused(tmp_path):
    """Its music and effects are the movie's, at the movie's times; the voices are not."""
    film = film_of(FOUR)
    original, dub = (film.samples(dub=dubbed) + 8 * film.bed for dubbed in (False, True))
    disk.annotate(tmp_path / "release", FOUR, film)
    disk.write_sound(tmp_path / "copy" / f"{FOUR}.flac", original)
    mmdia_dataset.fingerprint(tmp_path / "release", tmp_path / "copy", tmp_path / "release" / "passports")
    disk.write_sound(tmp_path / "media" / f"{FOUR}.flac", dub)
    report = mmdia_dataset.align(tmp_path / "release", tmp_path / "media", tmp_path / "editions")
    assert (report.placed, report.exit_code) == (0, 1)
    assert report.timings[FOUR].reason.rule == "other-language"
    found = edition_in(tmp_path / "editions", FOUR)
    assert (found.placed, found.pieces) == ((), ())
    assert {one.reasons[0].rule for one in found.refused} == {"other-language"}


def test_another_film_is_refused(curator, tmp_path):
    disk.write_sound(tmp_path / "media" / f"{ONE}.flac", film_of(FOUR).samples())
    report = mmdia_dataset.rebuild(curator.release, tmp_path / "media", tmp_path / "built", mode="audio")
    assert (report.made, report.exit_code) == (0, 1)
    assert report.refused == {"other-movie": 5, "no-recording": 12}
    assert "other-movie" in report.editions[ONE]
    line = lines_of(tmp_path / "built")[f"{ONE}_clip_0"]
    assert (line.reasons[0].rule, line.recording.name) == ("other-movie", f"{ONE}.flac")


def test_an_edition_in_copy_mode_shows_its_own_frames(curator, tmp_path):
    from tests.support import films

    made = edition(film_of(ONE), rate=PAL, logo_s=7.0)
    disk.write_tracks(tmp_path / "media" / f"{ONE}.mkv", disk.Sound(made.samples, "eng"), fps=25)
    report = mmdia_dataset.rebuild(
        curator.release, tmp_path / "media", tmp_path / "built", ids=[f"{ONE}_clip_1", f"{ONE}_clip_3"]
    )
    assert report.made == 2
    assert report.editions[ONE].startswith("25 fps, PAL speed")
    for line in lines_of(tmp_path / "built").values():
        start, end = (made.place_s(type(line.span)(ms, ms)) for ms in (line.span.start_ms, line.span.end_ms))
        shown = films.numbers_av(tmp_path / "built" / line.file)
        assert shown == list(range(shown[0], shown[-1] + 1))
        for frame, true in ((shown[0], start), (shown[-1] + 1, end)):
            # The first frame at or after a moment, where the moment is known to a few milliseconds.
            bound = line.evidence.error_ms / 1000
            assert np.ceil((true - bound) * 25) <= frame <= np.ceil((true + bound) * 25)


# Releases without passports, or with passports that can't be used


def placed_right(found, movie, film, made, most_ms):
    """The ids placed; each lies where it truly is, within its bound and within so many milliseconds."""
    time_map = found.time_map()
    spans = {f"{movie}_clip_{one.number}": one.span for one in film.dialogues}
    for one in found.placed:
        start, _ = time_map.place(spans[one.id])
        true = made.place_s(spans[one.id])
        assert true is not None, one.id
        assert abs(float(start) - true) * 1000 <= min(one.evidence.error_ms, most_ms), one.id
    assert {one.id for one in (*found.placed, *found.refused)} == set(spans)
    return {one.id for one in found.placed}


@pytest.fixture
def plain(tmp_path):
    """Aligns one recording of a release without passports, with subtitles beside it if wanted."""
    film = make_film(SEEDS[ONE], 4)

    def run(made, subtitles=None, samples=None):
        disk.annotate(tmp_path / "release", ONE, film)
        disk.write_sound(tmp_path / "media" / f"{ONE}.flac", made.samples if samples is None else samples)
        if subtitles is not None:
            subtitles(tmp_path / "media" / f"{ONE}.srt")
        report = mmdia_dataset.align(tmp_path / "release", tmp_path / "media", tmp_path / "editions")
        return report, edition_in(tmp_path / "editions", ONE)

    return SimpleNamespace(film=film, run=run)


@pytest.mark.quick
def test_subtitles_beside_the_film(plain):
    made = edition(plain.film, rate=PAL, logo_s=7.0)
    report, found = plain.run(made, lambda file: disk.write_subtitles(file, plain.film, made))
    assert len(placed_right(found, ONE, plain.film, made, 160)) == len(plain.film.dialogues)
    assert {one.evidence.tier for one in found.placed} == {"subtitles"}
    assert report.timings[ONE].notes == (f"placed by the words of {ONE}.srt",)


def test_subtitles_beside_a_film_that_lacks_a_scene(plain):
    made = edition(plain.film, removed=(3,))
    _, found = plain.run(made, lambda file: disk.write_subtitles(file, plain.film, made))
    placed = placed_right(found, ONE, plain.film, made, 160)
    assert f"{ONE}_clip_3" not in placed
    assert len(placed) == len(plain.film.dialogues) - 1


def test_no_subtitles_at_all(plain):
    made = edition(plain.film, logo_s=7.0)
    _, found = plain.run(made)
    assert len(placed_right(found, ONE, plain.film, made, 160)) == len(plain.film.dialogues)
    assert found.evidence.tier == "speech"


def test_subtitles_that_are_late_place_nothing_wrongly(plain):
    """They are set right by the sound, and that is said; or they are not used."""
    made = edition(plain.film, logo_s=7.0)
    report, found = plain.run(made, lambda file: disk.write_subtitles(file, plain.film, made, late_s=2.3))
    placed_right(found, ONE, plain.film, made, 160)
    assert any("too late for the sound" in note for note in report.timings[ONE].notes)


@pytest.mark.parametrize("text", ["", "1\n00:00:99 --> x\n\n", "\x00\x01\x02" * 999])
def test_broken_subtitles_are_noted(plain, text):
    made = edition(plain.film, logo_s=7.0)
    report, found = plain.run(made, lambda file: file.write_text(text, encoding="utf-8"))
    placed_right(found, ONE, plain.film, made, 160)
    assert found.evidence.tier == "speech"
    (note,) = report.timings[ONE].notes
    assert f"{ONE}.srt" in note
    assert "\n" not in note


def test_another_film_and_a_dub_without_passport(plain):
    other, dub = make_film(SEEDS[FOUR], 4).samples(), plain.film.samples(dub=True)
    made = edition(plain.film)
    for samples in (other, dub):
        report, found = plain.run(made, samples=samples)
        assert (report.placed, found.placed, report.exit_code) == (0, (), 1)
    # Nor do subtitles that fit the movie's words make another film of it.
    report, found = plain.run(made, lambda file: disk.write_subtitles(file, plain.film, made), samples=other)
    assert (report.placed, found.placed) == (0, ())


def _fingerprint_of(change):
    """A passport whose fingerprint's bytes are changed, its checksum made to fit again."""

    def changed(passport):
        data = bytearray(base64.b64decode(passport["fingerprint"]["data"]))
        data = bytes(change(data))
        passport["fingerprint"]["data"] = base64.b64encode(data).decode()
        return json.dumps(passport)

    return changed


def _checked(data):
    return bytes(data[:-4]) + zlib.crc32(bytes(data[:-4])).to_bytes(4, "little")


def _version(data):
    data[4] = 3
    return _checked(data)


def _thousand_hours(data):
    length = int.from_bytes(data[5:9], "little")
    header = {**json.loads(bytes(data[9 : 9 + length])), "frames": 1000 * 3600 * 4}
    text = json.dumps(header, sort_keys=True).encode()
    return _checked(bytes(data[:5]) + len(text).to_bytes(4, "little") + text + bytes(data[9 + length :]))


BAD_PASSPORTS = {
    "empty": lambda passport: "",
    "truncated": lambda passport: json.dumps(passport)[:500],
    "no-passport": lambda passport: "[1, 2]",
    "nested": lambda passport: "[" * 100_000,
    "another-movie": lambda passport: json.dumps({**passport, "movie": THREE}),
    "long": lambda passport: json.dumps({**passport, "duration_ms": 1001 * 3_600_000}),
    "not-base64": lambda passport: json.dumps({**passport, "fingerprint": {"version": 1, "data": "AAA"}}),
    "outer-version": lambda passport: json.dumps(
        {**passport, "fingerprint": {**passport["fingerprint"], "version": 7}}
    ),
    "fingerprint-cut-off": _fingerprint_of(lambda data: data[:-50]),
    "fingerprint-changed": _fingerprint_of(lambda data: data[:-50] + bytes([data[-50] ^ 1]) + data[-49:]),
    "fingerprint-of-version-3": _fingerprint_of(_version),
    "fingerprint-of-1000-hours": _fingerprint_of(_thousand_hours),
}


def test_bad_passports_are_said_and_found_by_validate(curator, tmp_path):
    """Recordings here are silent, so that nothing but the passports is looked at."""
    passport = json.loads((curator.release / "passports" / f"{ONE}.json").read_text())
    (tmp_path / "release" / "passports").mkdir(parents=True)
    movies = {f"tt99100{n:02}": kind for n, kind in enumerate(BAD_PASSPORTS)}
    for movie, kind in movies.items():
        disk.annotate(tmp_path / "release", movie, film_of(ONE), [0])
        disk.write_sound(tmp_path / "media" / f"{movie}.flac", np.zeros(5 * RATE))
        text = BAD_PASSPORTS[kind]({**passport, "movie": movie})
        (tmp_path / "release" / "passports" / f"{movie}.json").write_text(text, encoding="utf-8")
    report = mmdia_dataset.align(tmp_path / "release", tmp_path / "media", tmp_path / "editions")
    for movie, kind in movies.items():
        (note,) = report.timings[movie].notes
        assert note.startswith("its passport is not used: "), kind
        assert "\n" not in note
        assert len(note) < 400
        assert report.timings[movie].reason.rule == "too-little-evidence"
    found = []
    checked = mmdia_dataset.validate(tmp_path / "release", on_issue=found.append)
    bad = {issue.file for issue in found if issue.rule == "bad-passport"}
    assert bad == {f"passports/{movie}.json" for movie in movies}
    assert checked.exit_code == 1


def test_a_movie_with_a_bad_passport_is_aligned_without_it(plain, tmp_path):
    made = edition(plain.film, logo_s=7.0)
    (tmp_path / "release" / "passports").mkdir(parents=True)
    (tmp_path / "release" / "passports" / f"{ONE}.json").write_text("{", encoding="utf-8")
    report, found = plain.run(made)
    assert len(placed_right(found, ONE, plain.film, made, 160)) == len(plain.film.dialogues)
    assert (found.evidence.tier, report.exit_code) == ("speech", 0)
    (note,) = report.timings[ONE].notes
    assert note.startswith("its passport is not used: ")
    assert f"{ONE}.json: not a valid passport (invalid JSON" in note


# Edition files from others


@pytest.fixture
def given(curator, owner, tmp_path, listened):
    """Rebuilds movie ONE with its edition file changed as a stranger may have changed it."""

    def run(**changes):
        data = json.loads((owner.editions / f"{ONE}.json").read_text())
        (tmp_path / "editions").mkdir()
        (tmp_path / "editions" / f"{ONE}.json").write_text(json.dumps({**data, **changes}), encoding="utf-8")
        ids = [f"{ONE}_clip_{one.number}" for one in film_of(ONE).dialogues]
        out = tmp_path / "built"
        report = mmdia_dataset.rebuild(
            curator.release, owner.media, out, mode="audio", ids=ids, editions=tmp_path / "editions"
        )
        return report, lines_of(out), listened

    return run


PIECE = {"from_ms": 0, "to_ms": 180_000, "rate": "1/1", "offset_ms": 0.0}


@pytest.mark.parametrize(
    "pieces",
    [[], [PIECE, PIECE], [{**PIECE, "to_ms": 0}], [{**PIECE, "rate": "0/1"}]],
    ids=["no-pieces", "overlap", "empty", "rate"],
)
def test_an_odd_edition_file(given, pieces):
    report, _, calls = given(pieces=pieces)
    assert (report.made, len(report.notes[ONE]), calls) == (5, 1, [f"{ONE}.flac"])


@pytest.mark.parametrize("offset_ms", [-1e9, 1e9])
def test_an_edition_file_that_leads_out_of_the_recording(given, offset_ms):
    report, lines, _ = given(pieces=[{**PIECE, "offset_ms": offset_ms}])
    assert (report.made, report.exit_code) == (0, 1)
    assert {line.reasons[0].rule for line in lines.values()} == {"outside-recording"}


def test_an_edition_that_does_not_know_a_dialogue(owner, given):
    """It was made of a release with fewer dialogues: where the other one is was never looked at."""
    known = json.loads((owner.editions / f"{ONE}.json").read_text())["placed"]
    report, lines, calls = given(placed=known[1:])
    assert calls == [f"{ONE}.flac"] or lines[f"{ONE}_clip_0"].status == "refused"
    assert len(report.notes[ONE]) == 1


def test_editions_that_are_nowhere(curator, owner, tmp_path, listened):
    with pytest.raises(UsageError, match="no such folder"):
        mmdia_dataset.rebuild(curator.release, owner.media, tmp_path / "built", editions=tmp_path / "gone")
    assert (listened, (tmp_path / "built").exists()) == ([], False)
