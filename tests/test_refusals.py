"""Every refusal can be provoked, and its next step leads on: the table of refusals against what the commands do."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

import mmdia_dataset
from mmdia_dataset import access
from mmdia_dataset.alignment.by_speech.speech import by_speech
from mmdia_dataset.alignment.by_subtitles.subtitles import by_subtitles
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.building import work as building_work
from mmdia_dataset.building.editions import recording_of
from mmdia_dataset.built.directory import BuiltDirectory, read_lines
from mmdia_dataset.library import locate
from mmdia_dataset.refusals import Refusal, RefusalSeverity, faults_in, ways_out
from mmdia_dataset.schema import Edition, EditionPiece, Evidence, Reason
from tests import test_processes
from tests.alignment import test_subtitles as captions
from tests.support import films
from tests.support.editions import edition, make_film
from tests.support.shell import mmdia
from tests.support.sounds import sound_file, write_wav
from tests.support.worlds import make_world, write_movie

ROOT = Path(__file__).parent.parent
MOVIE = "tt0000001"


@dataclass(frozen=True)
class Shelf:
    """One movie's annotations, and a folder for its film, in a folder that a test may change."""

    root: Path

    @property
    def release(self):
        return self.root / "release"

    @property
    def media(self):
        return self.root / "media"

    @property
    def built(self):
        return self.root / "built"

    @property
    def film(self):
        return self.media / f"{MOVIE}.mkv"

    def rebuilt(self, **options):
        """The rules by which a rebuild refused clips."""
        return set(mmdia_dataset.rebuild(self.release, self.media, self.built, **options).refused)

    def aligned(self):
        """The rules by which alignment refused dialogues."""
        return set(mmdia_dataset.align(self.release, self.media, self.root / "editions").reasons)

    def packed(self):
        """The rules by which the built directory's dialogues are in no shard."""
        return set(mmdia_dataset.pack(self.built, self.root / "shards").left_out)


@pytest.fixture
def shelf(tmp_path):
    made = Shelf(tmp_path)
    made.media.mkdir()
    write_movie(tmp_path, MOVIE, [(200, 1400)])
    return made


def given(shelf, offset_ms=0, **film):
    """Put a film on the shelf, and say in media.toml where the movie starts in it."""
    films.make_film(shelf.film, seconds=2, **film)
    line = f'{MOVIE} = {{ path = "{shelf.film.name}", offset_ms = {offset_ms} }}\n'
    (shelf.media / "media.toml").write_text(line, encoding="utf-8")


def named(shelf, *names):
    """The rules by which `locate` refuses films of these names."""
    for name in names:
        (shelf.media / name).write_bytes(b"x")
    report = mmdia_dataset.locate(shelf.release, shelf.media)
    return {missing.reason.rule for missing in report.missing.values()}


# --- how each is provoked: functions of a shelf and a monkeypatch that give the rules of all that was refused ---


def another_episode(shelf, _):
    (shelf.media / "Mad Men S05E01.mkv").write_bytes(b"x")
    return {missing.reason.rule for missing in locate(["tv_01_mad_men_S05E01-E02"], shelf.media).missing.values()}


def several_ids(shelf, _):
    return named(shelf, f"{MOVIE} tt0000002.mkv")


def no_times(shelf, _):
    file = shelf.release / "json" / "movie" / f"{MOVIE}.json"
    data = json.loads(file.read_text())
    for line in data["clips"][0]["srt"]:
        del line["abs_start_time"], line["abs_end_time"]
    file.write_text(json.dumps(data))
    films.make_film(shelf.film, seconds=2)
    return shelf.aligned() | shelf.rebuilt(as_is=True)


def a_noise(shelf, _):
    films.make_film(shelf.film, seconds=2)
    return shelf.aligned() | shelf.rebuilt()


def other_cues(*_):
    heard = captions.played(captions.FILM, [(0, captions.LENGTH, 37.4, 1.004)])
    shown = captions.subtitles(captions.played(captions.FILM, captions.WHOLE))
    return {
        by_subtitles(
            captions.annotations(captions.FILM), [shown], captions.sound(heard, captions.LENGTH + 200)
        ).reason.rule
    }


def two_places(*_):
    lines, dialogues = captions.played(captions.FILM, captions.WHOLE), captions.annotations(captions.FILM)
    found = by_subtitles(dialogues, [captions.subtitles(lines)], captions.sound(lines, captions.LENGTH + 40))
    id_, verdict = next((id_, verdict) for id_, verdict in found.verdicts.items() if isinstance(verdict, Placed))
    moved = replace(found, verdicts={**found.verdicts, id_: replace(verdict, start_s=verdict.start_s + 1)})
    return {moved.mapped(dialogues).verdicts[id_].reason.rule}


@cache
def spoken():
    return make_film(1, 5)


def by_voices(**changes):
    """The rules by which dialogues are refused in an edition of a film."""
    film = spoken()
    verdicts = by_speech(film.dialogues, edition(film, **changes).soundtrack()).verdicts.values()
    return {verdict.reason.rule for verdict in verdicts if not isinstance(verdict, Placed)}


def another_film(*_):
    verdicts = by_speech(spoken().dialogues, edition(make_film(2, 5)).soundtrack()).verdicts.values()
    return {verdict.reason.rule for verdict in verdicts}


def cut_through(shelf, _):
    """An edition that lacks a part of the dialogue: for clips and for rows that only say where they lie."""
    films.make_film(shelf.film, seconds=2)
    pieces = [(0, 700, 0), (700, 5000, 100)]
    made = Edition(
        movie=MOVIE,
        recording=recording_of(shelf.film),
        pieces=[EditionPiece(from_ms=a, to_ms=b, rate="1/1", offset_ms=float(offset)) for a, b, offset in pieces],
        evidence=Evidence(tier="given"),
    )
    (shelf.root / f"{MOVIE}.json").write_text(made.model_dump_json(), encoding="utf-8")
    return shelf.rebuilt(editions=shelf.root)


def only_one_mode(shelf, _):
    write_movie(shelf.root, MOVIE, [(200, 1400), (300, 1500)])
    given(shelf)
    shelf.rebuilt(mode="audio")
    shelf.rebuilt(ids=[f"{MOVIE}_clip_0"])
    return shelf.packed()


def silent(shelf, _):
    write_movie(shelf.root, MOVIE, [(200, 1400), (300, 1500)])
    write_wav(sound_file(shelf.release, MOVIE, 0), 1300)
    return set(mmdia_dataset.pack(out=shelf.root / "shards", release=shelf.release).left_out)


def outside(shelf, _):
    given(shelf, offset_ms=60_000)
    return shelf.rebuilt()


def between_frames(shelf, _):
    write_movie(shelf.root, MOVIE, [(1002, 1004)])
    given(shelf)
    return shelf.rebuilt()


def without_sound(shelf, _):
    films.make_film(shelf.film, seconds=2, tracks=())
    rules = shelf.aligned() | shelf.rebuilt()
    assert not shelf.rebuilt(as_is=True)  # the way out
    return rules


def without_picture(shelf, _):
    given(shelf, codec=None)
    rules = shelf.rebuilt()
    assert not shelf.rebuilt(mode="audio")  # the way out
    return rules


def strange_preset(shelf, _):
    given(shelf)
    return shelf.rebuilt(mode="encode", preset="no such thing")


def no_film(shelf, _):
    shelf.film.write_bytes(b"no film at all\n" * 500)
    return shelf.aligned() | shelf.rebuilt()


def zeroed(shelf, _):
    given(shelf)
    data = bytearray(shelf.film.read_bytes())
    start, stop = len(data) // 3, len(data) // 2
    data[start:stop] = bytes(stop - start)
    shelf.film.write_bytes(data)
    return shelf.rebuilt()


def killed(shelf, monkeypatch):
    world = make_world(shelf.root / "world")
    monkeypatch.setattr(building_work, "_run", test_processes.deadly)
    options = {"ids": [test_processes.DEADLY, "tt0000002_clip_0"], "jobs": 2}
    return set(mmdia_dataset.rebuild(world.release, world.media, shelf.built, **options).refused)


def altered(shelf, _):
    given(shelf)
    shelf.rebuilt()
    (clip,) = shelf.built.glob("clips/*/*.mp4")
    clip.write_bytes(clip.read_bytes()[:-1] + b"?")
    rules = shelf.packed()
    assert not shelf.rebuilt()
    assert not shelf.packed()  # the way out
    return rules


def taken_away(shelf, _):
    given(shelf)
    shelf.rebuilt()
    (clip,) = shelf.built.glob("clips/*/*.mp4")
    clip.unlink()
    return shelf.packed()


PROVOKED = {
    Refusal.NO_RECORDING: lambda shelf, _: shelf.rebuilt() | named(shelf, "another.mkv"),
    Refusal.RECORDING_IN_PARTS: lambda shelf, _: named(shelf, f"{MOVIE} cd1.mkv", f"{MOVIE} cd2.mkv"),
    Refusal.AMBIGUOUS_NAME: several_ids,
    Refusal.OTHER_EPISODES: another_episode,
    Refusal.NO_MOVIE_TIME: no_times,
    Refusal.TOO_LITTLE_EVIDENCE: a_noise,
    Refusal.SUBTITLES_OFF: other_cues,
    Refusal.EVIDENCE_DISAGREES: two_places,
    Refusal.NO_CLIP: only_one_mode,
    Refusal.NO_SOUND: silent,
    Refusal.ABSENT: lambda *_: by_voices(removed=(4,)),
    Refusal.SPLICE: cut_through,
    Refusal.OTHER_LANGUAGE: lambda *_: by_voices(dub=True),
    Refusal.OTHER_MOVIE: another_film,
    Refusal.OUTSIDE_RECORDING: outside,
    Refusal.EMPTY_SPAN: between_frames,
    Refusal.NO_AUDIO: without_sound,
    Refusal.NO_VIDEO: without_picture,
    Refusal.UNSUPPORTED_CODEC: strange_preset,
    Refusal.UNREADABLE_RECORDING: no_film,
    Refusal.DAMAGED: zeroed,
    Refusal.WORKER_DIED: killed,
    Refusal.CLIP_ALTERED: altered,
    Refusal.CLIP_UNREADABLE: taken_away,
}


@pytest.mark.parametrize("rule", Refusal)
def test_some_input_is_refused_for_exactly_this(rule, shelf, monkeypatch):
    assert set(PROVOKED[rule](shelf, monkeypatch)) == {rule}


def test_a_part_that_is_missing_is_no_fault_of_the_film(shelf):
    assert cut_through(shelf, None) == {Refusal.SPLICE}
    report = mmdia_dataset.rebuild(shelf.release, shelf.media, shelf.built, editions=shelf.root)
    assert (report.faults, report.refused) == (0, {"splice": 1})


@pytest.mark.parametrize(("span", "film"), [((1000, 1000), {}), ((0, 1000), {"codec": None})])
def test_rows_that_only_say_where_they_lie_have_the_same_names(shelf, span, film):
    write_movie(shelf.root, MOVIE, [(200, 1400), span])
    given(shelf, **film)
    found = access.find(shelf.release, shelf.media, shelf.root / "rows")
    assert set(found.refused) == shelf.rebuilt(mode="audio")


# --- the table ---


def test_only_faults_are_faults():
    assert faults_in({rule: 1 for rule in Refusal if rule.severity is not RefusalSeverity.FAULT}) == 0
    assert faults_in({Refusal.DAMAGED: 2, Refusal.ABSENT: 5, Refusal.NO_AUDIO: 1}) == 3
    gone = {Refusal.TOO_LITTLE_EVIDENCE, Refusal.SUBTITLES_OFF, Refusal.EVIDENCE_DISAGREES}
    assert {rule.severity for rule in gone} == {RefusalSeverity.YOURS}


@pytest.mark.parametrize("rule", Refusal)
def test_the_table_is_written_for_people(rule):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule)
    assert rule.sentence.endswith(".")
    assert 1 <= len(rule.steps) <= 4
    for step in rule.ways(release="R", media="M", out="O"):
        assert not re.search(r"\{[a-z]+\}", step)
        assert not step.endswith(".")
        assert step.count("`") % 2 == 0


def test_no_other_rule_is_one():
    with pytest.raises(ValidationError):
        Reason(rule="several-recordings", detail="")
    with pytest.raises(ValidationError):
        Reason.model_validate_json('{"rule": "absnt", "detail": ""}')
    assert json.loads(Reason(rule=Refusal.ABSENT, detail="x").model_dump_json()) == {"rule": "absent", "detail": "x"}


def test_names_of_earlier_versions_are_read(shelf):
    cut_through(shelf, None)
    manifest = shelf.built / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"splice"', '"splice-inside"'))
    (line,) = (line for _, line, _ in read_lines(manifest))
    assert line.reasons[0].rule is Refusal.SPLICE
    assert [line.reasons[0].rule for line in BuiltDirectory(shelf.built).lines().values()] == [Refusal.SPLICE]
    assert mmdia_dataset.validate(manifest).exit_code == 0
    assert shelf.rebuilt(editions=shelf.root) == {Refusal.SPLICE}
    assert "splice-inside" not in manifest.read_text()


def test_the_page_is_up_to_date():
    command = [sys.executable, str(ROOT / "tools" / "export_refusals.py"), "--check"]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT)})


# --- what to do next ---


def commands_in(steps):
    """The commands that steps begin with."""
    return [match[1] for step in steps if (match := re.match(r"`?mmdia ([a-z]+)", step))]


def leads_on(steps, *been):
    """Whether there is something to do that is not just running what was run."""
    return len(commands_in(steps)) < len(steps) or bool(set(commands_in(steps)) - set(been))


@pytest.mark.parametrize("rule", Refusal)
@pytest.mark.parametrize("after", ["locate", "align", "rebuild", "pack", "load"])
def test_no_step_leads_in_a_circle(rule, after):
    steps = ways_out({rule: 1}, after)
    assert steps
    assert after not in commands_in(steps)
    for command in commands_in(steps):
        assert leads_on(rule.ways(command), after, command)
    if commands_in(steps[:1]):  # it is what is done first, so there the way has to go on by something else
        assert leads_on(rule.ways(commands_in(steps)[0])[:1], after, commands_in(steps)[0])


def test_commands_named_exist_with_their_options():
    for rule in Refusal:
        for command in re.findall(r"`(mmdia [^`]*)`", " ".join(rule.steps)):
            name, *options = command.split()[1:]
            shown = mmdia(name, "--help")[0]
            assert all(option in shown for option in options if option.startswith("--")), command


def next_lines(text):
    return re.findall(r"^ *(?:next|  or): (.*)$", text, re.MULTILINE)


def test_from_a_film_that_is_missing_the_way_leads_on(shelf):
    folders = ("--release", shelf.release, "--media", shelf.media)
    out, err = mmdia("rebuild", *folders, "--out", shelf.built, code=1)
    assert out.count("no-recording") == out.count("next: ") == 1
    first, *_ = next_lines(err)
    assert first.startswith(f"mmdia locate --release {shelf.release} --media {shelf.media}")
    out, err = mmdia("locate", *folders, code=1)
    assert next_lines(err) == ["put the IMDb id, or title and year, into the files' names, or list them in media.toml"]


def test_from_a_film_that_nothing_is_known_of_the_ways_out_are_named(shelf):
    films.make_film(shelf.film, seconds=2)
    folders = ("--release", shelf.release, "--media", shelf.media)
    _, err = mmdia("locate", *folders)
    assert "mmdia align" in next_lines(err)[0]
    for command in (("align", "--out", shelf.root / "editions"), ("rebuild", "--out", shelf.built)):
        out, err = mmdia(*command, *folders, code=1)
        assert "too-little-evidence" in out
        assert leads_on(next_lines(err), "locate", "align", "rebuild")
        for word in ("subtitles", "--as-is", "media.toml", "offset_ms", "mmdia fingerprint", "--editions"):
            assert word in err, word
        assert not {"locate", "align", "rebuild"} & set(commands_in(next_lines(err)))
    out, _ = mmdia("rebuild", *folders, "--out", shelf.built, "--as-is")
    assert "1 clip made" in out


def test_packing_and_loading_say_what_to_do(shelf):
    films.make_film(shelf.film, seconds=2)
    folders = ("--release", shelf.release, "--media", shelf.media)
    out, err = mmdia("pack", *folders, "--out", shelf.root / "shards", code=1)
    assert "1 left out: too-little-evidence" in out
    assert "next: put the film's subtitles" in err
    with pytest.raises(mmdia_dataset.MmdiaError, match="put the film's subtitles"):
        mmdia_dataset.load("clips", data_dir=shelf.release, media_dir=shelf.media, cache_dir=shelf.root / "cache")
