"""A release with sound, with and without movie times, and somebody's other edition: aligned, cut, loaded, packed."""

import json
from types import SimpleNamespace

import pytest

import mmdia_dataset
from mmdia_dataset.built.manifest import read_lines
from mmdia_dataset.schema import Edition
from tests.support import editions_on_disk as disk
from tests.support.editions import PAL, edition, make_film
from tests.support.worlds import tree

MOVIE = "tt9900011"
MISSING = 2
"""A dialogue whose sound the release lacks."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    film = make_film(21, 4)
    made = edition(film, rate=PAL, logo_s=6.0, removed=(1,))
    disk.annotate(root / "timed", MOVIE, film)
    without_times(root / "timed", root / "untimed")
    numbers = [dialogue.number for dialogue in film.dialogues if dialogue.number != MISSING]
    for release in ("timed", "untimed"):
        disk.write_dialogue_sounds(root / release, MOVIE, film, numbers)
    disk.write_sound(root / "media" / f"{MOVIE}.flac", made.samples)
    return SimpleNamespace(root=root, film=film, made=made, media=root / "media")


def without_times(timed, untimed):
    """The same annotations in dialect 2, whose times count from the dialogue."""
    for file in (timed / "json").rglob("*.json"):
        movie = json.loads(file.read_text(encoding="utf-8"))
        clips = [
            {
                "clip_id": clip["clip_id"],
                "utterances": [
                    {
                        "speaker": line["character_annotation"].split(":")[0],
                        "text": line["text"],
                        "start_time": seconds(line["abs_start_time"]) - seconds(clip["srt"][0]["abs_start_time"]),
                        "end_time": seconds(line["abs_end_time"]) - seconds(clip["srt"][0]["abs_start_time"]),
                    }
                    for line in clip["srt"]
                ],
                "description": "They talk.",
            }
            for clip in movie["clips"]
        ]
        target = untimed / file.relative_to(timed)
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps({"movie": MOVIE, "clips": clips}), encoding="utf-8")


def seconds(stamp):
    hours, minutes, rest = stamp.replace(",", ".").split(":")
    return round(int(hours) * 3600 + int(minutes) * 60 + float(rest), 3)


def lines_of(folder):
    return {line.id: line for _, line, _ in read_lines(folder / "manifest.jsonl")}


def truth_of(world):
    """Where each dialogue begins in the recording [s]; None where it was cut out."""
    return {f"{MOVIE}_clip_{d.number}": world.made.place_s(d.span) for d in world.film.dialogues}


@pytest.mark.parametrize("release", ["timed", "untimed"])
def test_what_the_release_lets_hear_is_cut_where_it_is(world, release, tmp_path):
    report = mmdia_dataset.rebuild(world.root / release, world.media, tmp_path / "built", mode="audio")
    lines, missing = lines_of(tmp_path / "built"), f"{MOVIE}_clip_{MISSING}"
    for id_, truth in truth_of(world).items():
        line = lines[id_]
        if truth is None:
            assert line.reasons[0].rule == "absent"
        elif release == "untimed" and id_ == missing:
            assert line.reasons[0].rule == "no-movie-time"
        else:
            assert line.evidence.tier == "audio"
            assert abs(line.at.start_s - truth) * 1000 <= min(line.evidence.error_ms, 60 if id_ == missing else 10)
    assert report.made == len(world.film.dialogues) - (1 if release == "timed" else 2)
    rows = mmdia_dataset.load("clips", data_dir=tmp_path / "built", split="train", cache_dir=tmp_path / "cache")
    for row in rows:
        line = lines[row["id"]]
        assert row["timeline"] == 0  # times of the movie
        assert (row["span"]["start_ms"], row["span"]["end_ms"]) == (line.span.start_ms, line.span.end_ms)
        assert row["turns"][0]["span"]["start_ms"] == line.span.start_ms
    before = tree(tmp_path / "built")
    again = mmdia_dataset.rebuild(world.root / release, world.media, tmp_path / "built", mode="audio")
    assert (again.made, again.kept) == (0, report.made)
    assert tree(tmp_path / "built") == before


def test_an_edition_is_measured_again_when_a_sound_comes(world, tmp_path):
    release = tmp_path / "release"
    without_times(world.root / "timed", release)
    disk.write_dialogue_sounds(release, MOVIE, world.film, [3, 4, 5])
    first = mmdia_dataset.align(release, world.media, tmp_path / "editions")
    disk.write_dialogue_sounds(release, MOVIE, world.film, [6])
    second = mmdia_dataset.align(release, world.media, tmp_path / "editions")
    assert (first.placed, second.placed) == (3, 4)
    aligned = Edition.model_validate_json((tmp_path / "editions" / f"{MOVIE}.json").read_bytes())
    assert [dialogue.id for dialogue in aligned.placed] == [f"{MOVIE}_clip_{number}" for number in (3, 4, 5, 6)]


def test_a_wrong_sound_is_named_in_the_report_and_the_edition(world, tmp_path):
    release = tmp_path / "release"
    disk.annotate(release, MOVIE, world.film)
    files = disk.write_dialogue_sounds(release, MOVIE, world.film)
    files[5].write_bytes(files[3].read_bytes())
    report = mmdia_dataset.align(release, world.media, tmp_path / "editions")
    aligned = Edition.model_validate_json((tmp_path / "editions" / f"{MOVIE}.json").read_bytes())
    assert [(wrong.id, wrong.detail) for wrong in aligned.wrong_sounds] == [
        (f"{MOVIE}_clip_5", f"is that of {MOVIE}_clip_3")
    ]
    assert f"{MOVIE}_clip_5" in " ".join(report.timings[MOVIE].notes)
    assert f"{MOVIE}_clip_5" in {dialogue.id for dialogue in aligned.placed}


def test_packing_straight_from_the_film_is_the_same_as_rebuilding_first(world, tmp_path):
    mmdia_dataset.rebuild(world.root / "untimed", world.media, tmp_path / "built", mode="audio")
    mmdia_dataset.pack(tmp_path / "built", tmp_path / "one")
    mmdia_dataset.pack(release=world.root / "untimed", media=world.media, out=tmp_path / "two", mode="audio")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_dialogues_without_movie_times_are_decoded_in_place(world, tmp_path):
    rows = mmdia_dataset.load(
        "clips",
        data_dir=world.root / "untimed",
        media_dir=world.media,
        mode="access",
        split="train",
        cache_dir=tmp_path / "cache",
    )
    assert len(rows) == len(world.film.dialogues) - 2
    truth = truth_of(world)
    for row in rows:
        source = row["source"]
        found_s = (source["start_ms"] + source["offset_ms"]) / 1000 / float(PAL)
        assert abs(found_s - truth[row["id"]]) * 1000 <= min(10, row["error_ms"])
