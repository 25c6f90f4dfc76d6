"""Scores: what jiwer and meeteval count, of the dialogues asked for, and how sure it is."""

import json
import math

import jiwer
import meeteval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmdia_dataset
from mmdia_dataset import metrics
from mmdia_dataset.errors import ConfigError, ScoreError
from mmdia_dataset.metrics.answers import answer_of
from mmdia_dataset.metrics.intervals import bootstrap
from mmdia_dataset.metrics.turntaking import offsets_ms
from mmdia_dataset.schema import Answer, Utterance
from tests.support.releases import write_release
from tests.support.shell import mmdia


def answer(number, *said, **others):
    utterances = tuple(Utterance(speaker=who, text=text) for who, text in said)
    return Answer(id=f"tt000000{number % 3}_clip_{number}", utterances=utterances, **others)


def lines(path, *answers):
    path.write_text("".join(one.model_dump_json() + "\n" for one in answers), encoding="utf-8")
    return path


# --- what jiwer and meeteval say in their own documents ---------------------------------------------------------------


@pytest.mark.quick
def test_wer_of_jiwers_examples():
    wer = metrics.load("wer")
    assert wer.compute(["hello duck"], ["hello world"]).value == 0.5
    two = wer.compute(["hello duck", "i like python"], ["hello world", "i like monty python"])
    assert two.value == jiwer.wer(["hello world", "i like monty python"], ["hello duck", "i like python"]) == 2 / 6
    assert two.counts == {"insertions": 0, "deletions": 1, "substitutions": 1, "words": 6}


@pytest.mark.quick
@pytest.mark.parametrize(
    ("ref", "hyp", "value", "speakers", "too_few", "too_many"),
    [
        ({"a": "a b c", "b": "d e f"}, {"a": "a b c", "b": "d e f"}, 0, [["a", "a"], ["b", "b"]], 0, 0),
        ({"r0": "a b", "r1": "c d"}, {"h0": "a b", "h1": "c d", "h2": "e f"}, 0.5,
         [["r0", "h0"], ["r1", "h1"], [None, "h2"]], 0, 1),
        ({"r0": "a", "r1": "b", "r2": "c d"}, {"h0": "a", "h1": "b"}, 0.5,
         [["r0", "h0"], ["r1", "h1"], ["r2", None]], 1, 0),
        ({"r0": "a", "r1": "b", "r2": "c"}, {"h0": "b", "h1": "c", "h2": "d", "h3": "a"}, 1 / 3,
         [["r0", "h3"], ["r1", "h0"], ["r2", "h1"], [None, "h2"]], 0, 1),
        ({"r0": "a b"}, {"h0": "z", "h1": "a e f"}, 1.5, [["r0", "h1"], [None, "h0"]], 0, 1),
    ],
)  # fmt: skip
def test_cpwer_of_meetevals_examples(ref, hyp, value, speakers, too_few, too_many):
    found = metrics.load("cpwer").compute([answer(0, *hyp.items())], [answer(0, *ref.items())])
    assert found.value == pytest.approx(value)
    assert sorted(map(str, found.details["speakers"]["tt0000000_clip_0"])) == sorted(map(str, speakers))
    assert (found.counts["speakers missed"], found.counts["speakers too many"]) == (too_few, too_many)


# --- random dialogues -------------------------------------------------------------------------------------------------

words = st.lists(st.sampled_from(["a", "b", "c", "don't"]), min_size=1, max_size=5).map(" ".join)
said = st.lists(st.tuples(st.sampled_from(["S1", "S2", "S3"]), words), min_size=1, max_size=6)
sides = st.lists(st.tuples(said, said), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(sides)
def test_wer_is_jiwers(dialogues):
    refs = [answer(n, *ref) for n, (ref, _) in enumerate(dialogues)]
    hyps = [answer(n, *hyp) for n, (_, hyp) in enumerate(dialogues)]
    found = metrics.load("wer").compute(hyps, refs, resamples=0)
    texts = [[" ".join(text for _, text in side) for side in both] for both in dialogues]
    theirs = jiwer.process_words([ref for ref, _ in texts], [hyp for _, hyp in texts])
    assert found.value == pytest.approx(theirs.wer)
    assert found.counts["words"] == theirs.hits + theirs.substitutions + theirs.deletions


@settings(deadline=None, max_examples=60)
@given(sides)
def test_cpwer_is_meetevals(dialogues):
    sets = []
    for side in (0, 1):
        segments = [
            {"session_id": answer(n).id, "speaker": who, "words": text, "start_time": at, "end_time": at + 1}
            for n, both in enumerate(dialogues)
            for at, (who, text) in enumerate(both[side])
        ]
        sets.append(meeteval.io.SegLST(segments))
    theirs = meeteval.wer.combine_error_rates(meeteval.wer.cpwer(*sets))
    refs = [answer(n, *ref) for n, (ref, _) in enumerate(dialogues)]
    hyps = [answer(n, *hyp) for n, (_, hyp) in enumerate(dialogues)]
    found = metrics.load("cpwer").compute(hyps, refs, resamples=0)
    assert found.value == pytest.approx(theirs.error_rate)
    assert {name: found.counts[name] for name in ("insertions", "deletions", "substitutions", "words")} == {
        "insertions": theirs.insertions,
        "deletions": theirs.deletions,
        "substitutions": theirs.substitutions,
        "words": theirs.length,
    }
    assert found.counts["speakers missed"] == theirs.missed_speaker


@settings(deadline=None, max_examples=30)
@given(said, st.permutations(["S1", "S2", "S3"]))
def test_cpwer_does_not_care_for_names(ref, names):
    renamed = dict(zip(["S1", "S2", "S3"], names, strict=True))
    hyp = [(renamed[who], text) for who, text in ref]
    found = metrics.load("cpwer").compute([answer(0, *hyp)], [answer(0, *ref)])
    assert found.value == 0


# --- normalisation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Don’t—stop!", "don't stop"),
        ("[S1] Hello? <phone rings> [S2] ANNA…", "hello anna"),
        ("rock 'n' roll, O'Hara's", "rock n roll o'hara's"),
        ("Straße  ﬁn", "strasse fin"),
        ("na\u0131\u0308ve e\u0301t\u00e9 d´accord", "naı̈ve été d'accord"),
        ("twenty-one 21", "twenty one 21"),
        ("[laughs] a < b", "laughs a b"),
    ],
)
def test_texts_are_normalised(text, plain):
    assert metrics.normalised(text) == plain
    assert metrics.normalised(plain) == plain


@given(st.text())
def test_normalising_again_changes_nothing(text):
    once = metrics.normalised(text)
    assert metrics.normalised(once) == once
    assert "  " not in once


def test_the_normalisation_is_named_and_can_be_left_out():
    found = metrics.load("wer").compute(["Hello, World"], ["hello world"])
    assert (found.value, found.settings["normalisation"]) == (0, "mmdia-1")
    assert metrics.load("wer").compute(["Hello, World"], ["hello world"], normalisation="none").value == 1
    with pytest.raises(ConfigError, match="mmdia-1"):
        metrics.load("wer").compute(["a"], ["a"], normalisation="x")


# --- which dialogues --------------------------------------------------------------------------------------------------


def test_a_missing_answer_is_an_error_unless_told_otherwise():
    refs = [answer(n, ("S1", "one two")) for n in range(4)]
    hyps = [refs[0], refs[2], answer(9, ("S1", "nobody asked"))]
    wer = metrics.load("wer")
    with pytest.raises(ScoreError, match="2 of 4 dialogues have no answer, the first is tt0000001_clip_1"):
        wer.compute(hyps, refs)
    silent = wer.compute(hyps, refs, missing="empty")
    assert (silent.value, silent.dialogues, silent.missing, silent.unused) == (0.5, 4, 2, 1)
    fewer = wer.compute(hyps, refs, missing="skip")
    assert (fewer.value, fewer.dialogues, fewer.missing, fewer.unused) == (0, 2, 2, 1)
    assert silent.ids != fewer.ids
    assert fewer.ids == metrics.ids_hash([refs[2].id, refs[0].id]) == wer.compute(hyps[:2], [refs[2], refs[0]]).ids
    with pytest.raises(ScoreError, match="choose one of error"):
        wer.compute(hyps, refs, missing="x")


def test_what_cannot_be_paired_is_said():
    one = answer(0, ("S1", "a"))
    with pytest.raises(ScoreError, match="occurs twice"):
        metrics.load("wer").compute([one, one], [one])
    with pytest.raises(ScoreError, match="no dialogue to score"):
        metrics.load("wer").compute([one], [answer(1)], missing="skip")
    with pytest.raises(ScoreError, match="2 predictions for 1 references"):
        metrics.load("wer").compute(["a", "b"], ["a"])
    with pytest.raises(ScoreError, match="the fields of an answer are id"):
        metrics.load("wer").compute([{"id": "a", "words": "x"}], [one])
    with pytest.raises(ConfigError, match="choose one of wer"):
        metrics.load("bleu")
    crowd = answer(0, *((f"S{n}", "word") for n in range(25)))
    with pytest.raises(ScoreError, match="25 speakers"):
        metrics.load("cpwer").compute([crowd], [crowd])


def test_no_words_at_all_is_no_rate():
    found = metrics.load("wer").compute([answer(0, ("S1", "?!"))], [answer(0, ("S1", "…"))])
    assert (found.value, found.interval, found.dialogues) == (None, None, 1)
    assert metrics.load("cpwer").compute([answer(0, ("S1", "a"))], [answer(0)]).counts["insertions"] == 1


def test_rows_of_every_kind_say_the_same(tmp_path):
    from mmdia_dataset.schema import Dialogue, Span, Speaker, Turn

    one = Dialogue(
        id="tt1_clip_0", movie="tt1", batch=None, number=0, timeline="movie", span=Span(5000, 9000),
        speakers=(Speaker(id=0, name="A", named=True), Speaker(id=1, name="B", named=True)),
        turns=(Turn(speaker=1, span=Span(5000, 7000), text="Hi.", cue=1),
               Turn(speaker=0, span=Span(7000, 9000), text="Yo.", cue=2)),
    )  # fmt: skip
    expected = [("S1", "Hi.", 0, 2000), ("S2", "Yo.", 2000, 4000)]
    task = {
        "id": one.id, "movie": "tt1", "transcript": "[S1] Hi. [S2] Yo.", "triplet": {"relationship": {"label": 3}},
        "turns": [{"speaker": n, "text": t, "span": {"start_ms": a, "end_ms": b}}
                  for n, (_, t, a, b) in enumerate(expected)],
    }  # fmt: skip
    for row in (one, one.model_dump(), task):
        found = answer_of(row)
        assert [(u.speaker, u.text, u.start_ms, u.end_ms) for u in found.utterances] == expected
        assert (found.id, found.movie) == ("tt1_clip_0", "tt1")
    assert answer_of(task).relationship == "Family"
    plain = answer_of({"id": one.id, "text": "[S1] Hi. [S2] Yo."})
    assert [(u.speaker, u.text) for u in plain.utterances] == [("S1", "Hi."), ("S2", "Yo.")]


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.quick
def test_the_interval_is_the_bootstraps():
    random = np.random.default_rng(1)
    words = random.integers(5, 30, 300)
    errors = random.binomial(words, 0.2)
    low, high = bootstrap(errors, words, seed=3)
    # Delta method: the standard error of a ratio of sums.
    ratio = errors.sum() / words.sum()
    spread = math.sqrt(((errors - ratio * words) ** 2).sum()) / words.sum()
    assert low == pytest.approx(ratio - 1.96 * spread, abs=0.25 * spread)
    assert high == pytest.approx(ratio + 1.96 * spread, abs=0.25 * spread)
    assert bootstrap(errors, words, seed=3) == (low, high)
    assert bootstrap(errors, words, seed=4) != (low, high)


def test_the_interval_is_wider_by_movie_where_movies_differ():
    groups = [f"m{n // 20}" for n in range(200)]
    errors = [9 if n // 20 % 2 else 1 for n in range(200)]
    low, high = bootstrap(errors, [10] * 200)
    wide_low, wide_high = bootstrap(errors, [10] * 200, groups)
    assert wide_low < low < 0.5 < high < wide_high
    assert bootstrap([1, 2], [10, 10], ["m", "m"]) is None
    assert bootstrap([1], [10]) is None
    assert bootstrap([1, 1], [0, 0]) is None


def test_compute_clusters_by_movie():
    refs = [answer(n, ("S1", "one two three")) for n in range(30)]
    hyps = [answer(n, ("S1", "one two three" if n % 3 else "no")) for n in range(30)]
    plain, movies = (metrics.load("wer").compute(hyps, refs, cluster=c) for c in (None, "movie"))
    assert plain.value == movies.value
    assert movies.interval[0] < plain.interval[0]
    assert "movie" in movies.settings["interval"]
    with pytest.raises(ConfigError, match="the only known value is movie"):
        metrics.load("wer").compute(hyps, refs, cluster="series")


# --- labels -----------------------------------------------------------------------------------------------------------


def test_label_recall():
    wanted = ["Family", "Family", "Family", "Friends", None, "Social"]
    given_ = ["family", "Friends", "kin", "Friends", "Family", None]
    refs = [answer(n, relationship=label) for n, label in enumerate(wanted)]
    hyps = [answer(n, relationship=label) for n, label in enumerate(given_)]
    found = metrics.load("relationship_recall").compute(hyps, refs)
    assert (found.value, found.dialogues) == (2 / 5, 5)
    assert found.details["recall"] == {"Family": 1 / 3, "Friends": 1.0, "Social": 0.0}
    assert found.details["macro"] == pytest.approx(4 / 9)
    assert found.details["unknown"] == {"kin": 1}
    assert found.counts == {"found": 2, "answers unknown": 1, "not counted": 1}
    modes = metrics.load("interaction_recall").compute(
        [answer(0, interaction="social_banter")], [answer(0, interaction="Social Banter")]
    )
    assert modes.value == 1


# --- turn-taking ------------------------------------------------------------------------------------------------------


def timed(number, *times):
    utterances = tuple(Utterance(speaker=who, text="x", start_ms=a, end_ms=b) for who, a, b in times)
    return Answer(id=f"tt1_clip_{number}", utterances=utterances)


def test_offsets_are_gaps_and_overlaps_between_speakers():
    one = timed(
        0, ("A", 0, 1000), ("A", 1200, 2000), ("B", 2300, 3000), ("A", 2900, 4000), ("A", 3000, 3500), ("B", 4000, 5000)
    )
    assert offsets_ms(one) == [300, -100, 0]
    assert offsets_ms(timed(0, ("A", 0, 1000))) == []


def test_turn_taking_compares_distributions():
    ref = timed(0, ("A", 0, 1000), ("B", 1200, 2000), ("A", 2300, 3000), ("B", 2900, 4000))
    late = timed(0, ("A", 0, 1000), ("B", 1300, 2000), ("A", 2400, 3000), ("B", 3000, 4000))
    metric = metrics.load("turn_taking")
    assert metric.compute([ref], [ref]).value == 0
    found = metric.compute([late], [ref])
    assert found.value == pytest.approx(100)
    assert found.details["reference"]["transfers"] == 3
    assert found.details["reference"]["gaps"] == pytest.approx(2 / 3)
    assert found.details["reference"]["mean_overlap_ms"] == 100
    untimed = Answer(id="tt1_clip_0", text="[S1] x [S2] x")
    assert (metric.compute([untimed], [ref]).value, metric.compute([untimed], [ref]).dialogues) == (None, 0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-2000, 2000), min_size=1, max_size=12), st.integers(-3000, 3000), st.randoms())
def test_a_shift_of_all_offsets_is_its_own_distance(offsets, shift, random):
    def side(offsets):
        at, times = 10_000, [("A", 0, 10_000)]
        for n, offset in enumerate(offsets):
            start = at + offset
            at = start + 10_000
            times.append(("BA"[n % 2], start, at))
        return timed(0, *times)

    moved = [offset + shift for offset in offsets]
    random.shuffle(moved)
    found = metrics.load("turn_taking").compute([side(moved)], [side(offsets)])
    assert found.value == pytest.approx(abs(shift))


# --- judges -----------------------------------------------------------------------------------------------------------


def test_a_judge_sees_the_rows_and_its_scores_are_averaged_by_dialogue():
    made = [{"id": f"tt1_clip_{n}", "text": "x", "movie": "tt1"} for n in range(3)]
    seen = []

    def similarity(prediction, reference):
        seen.append((prediction["id"], reference["id"]))
        return [1.0, 2.0, 3.0] if prediction["id"].endswith("0") else 4

    found = metrics.judge("sim", similarity).compute(made, made)
    assert found.metric == "sim"
    assert found.value == pytest.approx((2 + 4 + 4) / 3)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert seen == [(row["id"], row["id"]) for row in made]
    for wrong in (math.nan, []):
        with pytest.raises(ScoreError, match="tt1_clip_0"):
            metrics.judge("utmos", lambda *_, wrong=wrong: wrong).compute(made, made)


# --- the command ------------------------------------------------------------------------------------------------------


def test_score_reads_a_release_and_json_lines(tmp_path):
    release = write_release(tmp_path / "release", movies=2, dialogues=10, seed=1)
    answers = [answer_of(dialogue) for dialogue in mmdia_dataset.open_release(release).dialogues()]
    hyp = lines(tmp_path / "hyp.jsonl", *(one.model_copy(update={"scores": {"utmos": 3.0}}) for one in answers))
    out, _ = mmdia("score", hyp, release, "--metrics", "wer,cpwer,relationship_recall,turn_taking,judged")
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines()[1:6]}
    assert rows == {
        "wer": "0.0000",
        "cpwer": "0.0000",
        "relationship_recall": "1.0000",
        "turn_taking": "0.0000",
        "utmos": "3.0000",
    }
    fewer = lines(tmp_path / "fewer.jsonl", *answers[1:])
    _, err = mmdia("score", fewer, release, code=3)
    assert "1 of 10 dialogues have no answer" in err
    found = json.loads(mmdia("score", fewer, release, "--missing", "skip", "--format", "json")[0])["scores"]
    assert [(one["metric"], one["value"], one["dialogues"], one["missing"]) for one in found] == [
        ("wer", 0, 9, 1),
        ("cpwer", 0, 9, 1),
    ]
    assert found[0]["ids"] == metrics.ids_hash(one.id for one in answers[1:])
    train = mmdia_dataset.score(hyp, release, split="train").scores[0]
    assert train.dialogues == len(json.loads((release / "train_eval_test_hard_ids.json").read_text())["train"]) < 10
    assert mmdia_dataset.score(fewer, release, missing="skip").scores[0].as_dict()["ids"] == found[0]["ids"]


def test_score_reads_stm_and_seglst(tmp_path):
    stm = tmp_path / "ref.stm"
    stm.write_text("tt1_clip_0 1 A 0.00 1.50 Hello there\ntt1_clip_0 1 B 1.60 2 Hi\n;; a comment\n", encoding="utf-8")
    segments = [
        {"session_id": "tt1_clip_0", "speaker": 1, "words": "hi", "start_time": 1.6, "end_time": 2},
        {"session_id": "tt1_clip_0", "speaker": 0, "words": "hello then", "start_time": 0, "end_time": 1.5},
    ]
    hyp = tmp_path / "hyp.json"
    hyp.write_text(json.dumps(segments), encoding="utf-8")
    found = json.loads(mmdia("score", hyp, stm, "--metrics", "cpwer,turn_taking", "--format", "json")[0])["scores"]
    assert found[0]["value"] == pytest.approx(1 / 3)
    assert sorted(found[0]["details"]["speakers"]["tt1_clip_0"]) == [["A", "0"], ["B", "1"]]
    assert found[1]["value"] == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"{", "line 1"),
        ("a.jsonl", b"[1]", "not a JSON object"),
        ("a.jsonl", b"\xff", "UTF-8"),
        ("a.stm", b"one two", "not STM"),
        ("a.json", b'[{"words": "x"}]', "SegLST"),
        ("a.json", b"{}", "no dialogue"),
        ("a.jsonl", b'{"id": "a", "scores": {"x": "y"}}', "scores"),
        ("a.jsonl", b'{"id": "../a"}', "is invalid"),
        ("a.jsonl", b'{"id": "a", "turns": 5}', "can't be scored"),
        ("a.jsonl", b'{"id": "a", "movie": "m", "transcript": "", "turns": [], "triplet": [1]}', "can't be scored"),
        ("a.jsonl", b'{"id": "a", "utterances": [{"speaker": "S1", "text": "x", "start_ms": -1}]}', "start_ms"),
        ("a.jsonl", b"[" * 100_000, "line 1"),
        ("a.stm", b"a 1 S1 -1 2 x", "not STM"),
        ("a.stm", b"a 1 S1 0 inf x", "not STM"),
        ("a.json", b'[{"session_id": "a", "speaker": "S1", "words": ["x"]}]', "not SegLST"),
        ("a.json", b'[{"session_id": "a", "speaker": "S1", "words": "x", "start_time": NaN}]', "not SegLST"),
        ("a.json", b'[{"session_id": "../a", "speaker": "S1", "words": "x"}]', "not SegLST"),
    ],
)
def test_files_that_hold_something_else_are_one_sentence(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    _, err = mmdia("score", tmp_path / name, tmp_path / name, code=3)
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_files_that_are_not_there(tmp_path):
    _, err = mmdia("score", tmp_path / "gone.jsonl", tmp_path / "gone.jsonl", code=3)
    assert "no such file" in err.lower()
