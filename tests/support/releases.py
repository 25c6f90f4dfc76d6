"""Releases made up on the spot: many plausible ones fast, for figures; and hostile single entries, for properties.

`write_release` draws every word from a seed, so the same arguments give the same bytes.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NAMES = ["Anna", "Ben", "Dr. Green", "Dr. Green's mother", "Man", "Man in red #2", "Waitress", "Zoë", "Sgt. O'Hara"]
WORDS = (  # noqa: SIM905
    "I you he she they we never always maybe really know think want said told believe can't don't won't where when why "
    "what how money house door night morning leave stay listen wait please sorry thanks father mother kid car phone "
    "it's that's there here over again enough nothing something everyone love hate remember forget promise"
).split()
SOUNDS = ["laughs", "sighs", "phone rings", "door slams", "sobs quietly", "clears throat"]
TONES = ["dread", "playful warmth", "cold anger", "weary relief", "Sisterly exasperation"]
RELATIONSHIPS = ["Workplace", "Friends", "Intimate", "Family", "Adversarial", "Individual", "Social", "Authority"]
INTERACTIONS = ["Persuasion", "Conflict", "Questioning", "Explanation", "Social Banter", "Dialogue Exchange"]


def stamp(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def _line(rng: random.Random, names: list[str], index: int, start: int, end: int, base: int) -> dict[str, Any]:
    words = " ".join(rng.choices(WORDS, k=rng.randint(2, 9))).capitalize() + rng.choice(".?!…")
    name = rng.choice(names)
    annotation, text = f"{name}: {words}", words
    kind = rng.random()
    if kind < 0.08:
        annotation = f"{name}: <{rng.choice(SOUNDS)}> {words}"
    elif kind < 0.14:
        other = names[names.index(name) - 1]
        annotation, text = f"{annotation} {other}: Yes?", f"- {words}\n- Yes?"
    elif kind < 0.2:
        text = f"<i>{words}</i>"
    elif kind < 0.23:
        text = f"{name.upper()} : {words}"
    return {
        "index": index,
        "abs_start_time": stamp(start),
        "abs_end_time": stamp(end),
        "relative_start": stamp(start - base),
        "relative_end": stamp(end - base),
        "text": text,
        "character_annotation": annotation,
    }


def clip(rng: random.Random, number: int, index: int, start: int, lines: int) -> dict[str, Any]:
    """A dialect 1 clip as the pipeline would write it."""
    names = rng.sample(NAMES, 2 if rng.random() < 0.75 else 3)
    base, srt = start, []
    for place in range(lines):
        end = start + rng.randint(600, 4500)
        srt.append(_line(rng, names, index + place, start, end, base))
        start = end + rng.randint(1, 900)
    return {
        "clip_id": number,
        "source": "VLM",
        "key": "",
        "video_path": "",
        "srt": srt,
        "speaker": names,
        "style_annotation": {
            "Tags": ["two people", "an exchange", rng.choice(TONES)],
            "Summary": " ".join(rng.choices(WORDS, k=30)).capitalize() + ".",
        },
        "relationship": rng.choice(RELATIONSHIPS),
        "interaction_type": rng.choice(INTERACTIONS),
    }


def write_release(
    folder: Path,
    movies: int = 4,
    dialogues: int = 40,
    seed: int = 0,
    dialect: str = "srt",
    lines: int = 8,
    splits: bool = True,
) -> Path:
    """A release of `dialogues` dialogues (about 8 turns each) of `movies` movies, every fifth of them an episode."""
    rng = random.Random(seed)
    ids: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    for movie in range(movies):
        episode = movie % 5 == 4
        batch = f"tv_{movie % 7 + 1:02}_mad_men" if episode else f"movie_{movie % 41}"
        stem = f"S{movie % 9 + 1:02}E{movie:02}" if episode else f"tt{1000000 + movie}"
        count = dialogues // movies + (movie < dialogues % movies)
        clips = []
        for number in range(count):
            start = 30_000 + number * 20_000 + rng.randrange(999)
            clips.append(clip(rng, number, number * 12 + 5, start, max(1, rng.randint(lines - 4, lines + 3))))
            ids.append(f"{f'{batch}_{stem}' if episode else stem}_clip_{number}")
        path = folder / "json" / batch / f"{stem}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"movie": stem, "clips": clips}, ensure_ascii=False), encoding="utf-8")
    if splits:
        parts: dict[str, list[str]] = {"train": [], "eval": [], "test": [], "hard": []}
        for id_ in ids:
            parts[rng.choices(["train", "eval", "test"], [90, 5, 5])[0]].append(id_)
            if rng.random() < 0.02:
                parts["hard"].append(id_)
        (folder / "train_eval_test_hard_ids.json").write_text(json.dumps(parts), encoding="utf-8")
    if dialect != "srt":
        from mmdia_dataset.release import convert, open_release

        target = folder.with_name(f"{folder.name}-{dialect}")
        convert(open_release(folder), target, dialect)  # type: ignore[arg-type]
        return target
    return folder


# --- hostile entries -------------------------------------------------------------------------------------------------

_TROUBLE = [
    "Anna",
    "Anna:",
    "Joanna:",
    "Anna's mother:",
    "Man :",
    "at 10:30",
    "Listen: go",
    "<laughs>",
    "<",
    ">",
    "<<x>",
]
_TROUBLE += [
    "",
    " ",
    "  ",
    "\n",
    "<i>",
    "</i>",
    "{\\an8}",
    "[0]",
    "[1]",
    "[9]",
    "Background music:",
    "No annotation",
    "é",
    "𝄞",
]
names = st.sampled_from(
    ["Anna", "Anna's mother", "Man", "10", "mother", "Man in red #2", "Anna ", "Zoë:", "", "<x>", "a: b"]
)
names |= st.just("Background music") | st.text(max_size=5)
words = st.lists(st.sampled_from(_TROUBLE) | st.text(max_size=4), max_size=6).map(" ".join)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 20)
    | st.just(10**30)
    | st.floats(allow_nan=False, width=32)
    | st.text(max_size=4)
)
json_values = st.recursive(
    scalars, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=3), x, max_size=3)
)
stamps = st.integers(0, 9_999_999).map(stamp)
times = (
    stamps | stamps.map(lambda t: t.replace(",", ".")) | st.floats(0, 9999, allow_nan=False).map(lambda x: round(x, 3))
)
times |= st.integers(0, 5000) | st.sampled_from(["", "00:99:00,000", "7", "12.5", None, -1, True, "x"])
unknown = st.dictionaries(
    st.sampled_from(["foo", "a/b", "~", "", "index=5", "start", "speakers", "visible"]), json_values, max_size=2
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value of the usual form, sometimes any JSON."""
    return st.one_of(good, good, good, good, json_values)


def _object(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    both = st.fixed_dictionaries(required, optional={k: mostly(v) for k, v in optional.items()})
    return st.tuples(both, unknown).map(lambda pair: {**pair[1], **pair[0]})


_numbers = st.integers(0, 3) | st.sampled_from(["5", "07", 7, 8])
_tags = st.lists(words, min_size=2, max_size=4) | words | st.just({"Relationship": "x", "EmotionalTone": 3})
_style = _object(
    {}, {"Tags": _tags, "Summary": words | st.just('```json\n{"Tags": ["a","b","c"], "Summary": "s"}\n```')}
)
_labels = {
    "relationship": st.sampled_from(["Family", "family", "Siblings", "", None]),
    "interaction_type": st.sampled_from(["Conflict", "Dialogue Exchange", "Chat", None]),
    "emotion_intensity": st.sampled_from([7, 7.0, 6.5, "7", 0, 11, None]),
    "emotion_volatility": st.integers(1, 10),
}
srt_lines = _object(
    {},
    {
        "index": _numbers,
        "abs_start_time": times,
        "abs_end_time": times,
        "start_time": times,
        "relative_start": times,
        "relative_end": times,
        "text": words,
        "character_annotation": words | st.tuples(names, words).map(": ".join) | st.just({"text": "Anna: Hi"}),
        "speaker": names,
    },
)
_lists = st.lists(names, max_size=4)
srt_entries = _object(
    {"clip_id": st.sampled_from([0, "12", 7.0, "clip_003"]), "srt": st.lists(mostly(srt_lines), max_size=4)},
    {
        "speaker": st.lists(names, max_size=4),
        "speakers": st.lists(names, max_size=3),
        "style_annotation": _style,
        **_labels,
    },
)
utterance_lines = _object(
    {},
    {
        "index": _numbers,
        "start_time": times,
        "end_time": times,
        "timestamps": st.lists(times, min_size=2, max_size=2),
        "abs_start_time": times,
        "text": words,
        "speaker": names | st.integers(0, 2),
        "non_verbal": st.lists(st.sampled_from(["laughs", "<sighs>", "a<b"])),
        "visibility": st.sampled_from(["on_screen", True, "no", "?"]),
    },
)
_triplets = st.dictionaries(st.sampled_from(["Relationship", "Interaction Type", "Emotional State", "x"]), words)
_visible = (
    st.dictionaries(names, st.booleans() | st.text(max_size=3), max_size=2)
    | st.lists(st.booleans(), max_size=3)
    | st.booleans()
)
utterance_entries = _object(
    {"clip_id": st.sampled_from([0, "12", 7.0]), "utterances": st.lists(mostly(utterance_lines), max_size=4)},
    {
        "movie_id": st.sampled_from(["tt1234567", "x y"]),
        "speakers": st.lists(names, max_size=4),
        "affective_triplet": _triplets | _tags,
        "description": words | st.dictionaries(names, words),
        "speaker_visibility": _visible,
        "annotation": _style | words,
        **_labels,
    },
)
segment_lines = _object(
    {},
    {
        "segment_id": _numbers,
        "text": words,
        "start": times,
        "end": times,
        "index": _numbers,
        "speaker": st.lists(_numbers, max_size=2),
    },
)
training_entries = _object(
    {
        "dialog_id": st.sampled_from(["tt1234567_clip_0", "tv_1_S01E 02_clip_7"]),
        "segments": st.lists(mostly(segment_lines), max_size=4),
    },
    {
        "path": st.sampled_from(["audio/movie_4/tt1234567/clip_000/clip_000.wav", "audio/tv_1/x"]),
        "speakers": st.lists(names, max_size=4),
        "annotation_tag": _tags,
        "annotation_text": words,
        **_labels,
    },
)
ENTRIES = {"srt": srt_entries, "utterances": utterance_entries, "training": training_entries}
