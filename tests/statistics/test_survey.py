"""`stats` against a count by hand, and the page it draws."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

import mmdia_dataset
from mmdia_dataset.statistics import Distributions, Tally
from mmdia_dataset.statistics import distributions as spread
from tests.support.corpora import write_corpus
from tests.support.dialogues import dialogue
from tests.support.shell import mmdia
from tests.support.worlds import make_world


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"), films=6, series=2, episodes=3, dialogues=500)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    world = make_world(tmp_path_factory.mktemp("world"))
    mmdia_dataset.rebuild(world.release, world.media, world.root / "built")
    return world.root / "built"


def naive(folder):
    """All rows and memberships of a release, as plain JSON."""
    rows = [json.loads(line) for line in (folder / "dialogues" / "all.jsonl").read_text("utf-8").splitlines()]
    lists = json.loads((folder / "train_eval_test_hard_ids.json").read_text("utf-8"))
    return rows, {("validation" if name == "eval" else name): set(ids) for name, ids in lists.items()}


def test_figures_are_those_of_a_naive_count(corpus):
    rows, lists = naive(corpus.folder)
    report = mmdia_dataset.stats(corpus.folder)
    listed = set().union(*lists.values())
    groups = {"all": rows, "unassigned": [row for row in rows if row["id"] not in listed]}
    groups |= {split: [row for row in rows if row["id"] in ids] for split, ids in lists.items()}
    assert set(report.figures) == {*groups, "bench selected"}
    for name, members in groups.items():
        found = report.figures[name]
        assert found.dialogues == len(members)
        assert found.movies == len({row["movie"] for row in members})
        assert found.turns == sum(len(row["turns"]) for row in members)
        spans = [row["span"]["end_ms"] - row["span"]["start_ms"] for row in members]
        assert found.hours == pytest.approx(sum(spans) / 3_600_000)
        assert found.speakers_per_dialogue == pytest.approx(sum(len(r["speakers"]) for r in members) / len(members))
        assert found.intensity == pytest.approx(sum(r["intensity"] for r in members) / len(members))
        assert found.words == sum(len(turn["text"].split()) for row in members for turn in row["turns"])
        assert found.nonverbal == sum(len(turn.get("nonverbal", ())) for row in members for turn in row["turns"])
    assert {m: f.dialogues for m, f in report.movies.items()} == Counter(row["movie"] for row in rows)
    assert not report.coverage


def test_distributions_are_those_of_a_naive_count(corpus):
    rows, _ = naive(corpus.folder)
    turns = [turn for row in rows for turn in row["turns"]]
    found = mmdia_dataset.stats(corpus.folder).distributions
    assert found.turns == Counter(len(row["turns"]) for row in rows)
    assert found.words == Counter(len(turn["text"].split()) for turn in turns)
    assert found.sounds == Counter(s["sound"] for turn in turns for s in turn.get("nonverbal", ()))
    assert found.scores == Counter((row["intensity"], row["volatility"]) for row in rows)
    assert found.turn_visibility == Counter(turn["visibility"] for turn in turns)
    pairs = Counter((r["triplet"]["relationship"]["label"], r["triplet"]["interaction"]["label"]) for r in rows)
    assert found.labels == pairs
    assert found.relationships() == Counter(r["triplet"]["relationship"]["label"] for r in rows)
    assert found.interactions() == Counter(r["triplet"]["interaction"]["label"] for r in rows)
    assert json.loads(json.dumps(found.as_json()))["turns"][0]["value"] == min(found.turns)


def test_spans_that_end_before_they_start_and_missing_scores_count_as_nothing():
    tally = Tally()
    tally.add(dialogue(span={"start_ms": 2000, "end_ms": 0}, turns=[(0, 500, 100, "a")], intensity=6.5))
    assert tally.all.figures.hours == 0
    assert tally.distributions.seconds == {0: 1}
    assert tally.distributions.turn_ms == {0: 1}
    assert not tally.distributions.scores


def test_endless_different_sounds_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(spread, "SOUNDS", 3)
    found = Distributions()
    for sound in ("Sighs", " sighs ", "a", "b", "c", "d", "a"):
        found._sound(sound)
    assert found.sounds == {"sighs": 2, "a": 2, "b": 1}
    assert found.other_sounds == 2


def test_a_built_directory_says_what_it_covers(built):
    report = mmdia_dataset.stats(built)
    manifest = [json.loads(line) for line in (built / "manifest.jsonl").read_text().splitlines()]
    assert report.coverage["all"].wanted == len(manifest) == 6
    made = [line for line in manifest if line["status"] == "made"]
    assert (report.coverage["all"].made, report.figures["all"].dialogues) == (len(made), len(made))
    assert report.coverage["hard"].wanted == sum("hard" in line["splits"] for line in manifest)
    assert report.movie_coverage["tt0000003"].made == 0
    assert report.figures["all"].hours == pytest.approx(report.coverage["all"].hours)


def sounding(root):
    """Six dialogues of two seconds: two with voice and mix, one with a video, one encoded, two with nothing."""
    (root / "dialogues").mkdir(parents=True)
    lines = [dialogue(number, batch="movie").model_dump_json() for number in range(6)]
    (root / "dialogues" / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    names = [f"audio/movie/tt0000001/clip_00{n}/clip_00{n}{kind}.wav" for n in (0, 1) for kind in ("", "_orig")]
    encoded = [f"audio_encoded/movie/tt0000001/clip_00{n}/clip_00{n}.dac" for n in (0, 3)]
    for name in [*names, *encoded, "video/movie/tt0000001/clip_002.mp4"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not opened")
    return root


def test_sound_is_counted_by_kind(tmp_path):
    report = mmdia_dataset.stats(sounding(tmp_path / "release"), plots=tmp_path / "plots")
    counts = {name: count.dialogues for name, count in report.sound.items()}
    assert counts == {"any": 3, "voice": 2, "mix": 2, "film": 1, "not_decoded": 1}
    assert report.as_json()["sound"]["mix"] == {"dialogues": 2, "hours": pytest.approx(4 / 3600)}
    page = report.files[0].read_text("utf-8")
    assert "<h2>Sound</h2>" in page
    assert "<td>not decoded</td><td>1</td>" in page
    text = mmdia("stats", tmp_path / "release")[0]
    assert re.search(r"^any +3 +50.0% +0.00$", text, re.M)
    assert re.search(r"^not decoded +1 +16.7% +0.00$", text, re.M)


def test_where_there_is_no_sound_nothing_is_said_of_it(corpus, built):
    assert mmdia_dataset.stats(corpus.folder).as_json()["sound"] == {}
    assert mmdia_dataset.stats(built).sound == {}
    assert "sound" not in mmdia("stats", corpus.folder)[0]


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.references, self.ids, self.text = Counter(), [], Counter(), []

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "data", "action", "poster") or name.startswith("on"):
                self.references.append(value)
            if name == "id":
                self.ids[value] += 1

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_but_itself_and_escapes_what_it_shows(tmp_path):
    release = tmp_path / "<b>&release"
    (release / "dialogues").mkdir(parents=True)
    evil = '<script>alert("1")</script> $x_{'
    row = json.loads(dialogue(movie="tt<img src=x onerror=alert(1)>", intensity=7, volatility=3).model_dump_json())
    row["turns"][0]["nonverbal"] = [{"sound": evil, "offset": 0, "speaker": 0}, {"sound": "叹\x1b息", "offset": 0}]
    (release / "dialogues" / "a.jsonl").write_text(json.dumps(row), encoding="utf-8")
    report = mmdia_dataset.stats(release, plots=tmp_path / "plots")
    text = report.files[0].read_text("utf-8")
    page = Page()
    page.feed(text)
    assert page.tags["script"] == page.tags["img"] == page.tags["link"] == page.tags["iframe"] == 0
    assert all(reference.startswith("#") for reference in page.references), page.references
    assert not [id_ for id_, count in page.ids.items() if count > 1]
    assert all(reference[1:] in page.ids for reference in page.references)
    assert all(name in page.ids for name in re.findall(r"url\(#([^)]+)\)", text))
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text).replace("http-equiv", "")
    assert evil in "".join(page.text)
    assert "\x1b" not in text


@pytest.mark.quick
def test_plots_are_the_same_bytes_again(corpus, tmp_path):
    first = mmdia_dataset.stats(corpus.folder, plots=tmp_path / "one").files
    second = mmdia_dataset.stats(corpus.folder, plots=tmp_path / "two").files
    assert [file.name for file in first] == [file.name for file in second]
    assert len(first) == 11
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        assert one.suffix == ".html" or one.read_bytes().startswith(b"\x89PNG")
