"""Checks a card's YAML against the Hub's rules, offline: one sentence per fault.

The facts are the Hub's documentation's: dataset cards, manual configuration, licenses, gated datasets.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml

__all__ = ["LICENSES", "card_faults"]

# Identifiers of licences, of tasks, of sizes.
LICENSES = frozenset((
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0",
    "bigcode-openrail-m", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0",
    "etalab-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1",
    "lgpl-3.0", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0", "odc-by", "odbl", "openrail++", "osl-3.0", "postgresql",
    "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl", "lgpl-lr", "deepfloyd-if-license", "llama2", "llama3",
    "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "unknown", "other",
))  # fmt: skip
TASKS = frozenset((
    "text-classification", "token-classification", "table-question-answering", "question-answering",
    "zero-shot-classification", "translation", "summarization", "feature-extraction", "text-generation",
    "fill-mask", "sentence-similarity", "text-to-speech", "text-to-audio", "automatic-speech-recognition",
    "audio-to-audio", "audio-classification", "audio-text-to-text", "voice-activity-detection", "depth-estimation",
    "image-classification", "object-detection", "image-segmentation", "text-to-image", "image-to-text",
    "image-to-image", "image-to-video", "unconditional-image-generation", "video-classification",
    "reinforcement-learning", "robotics", "tabular-classification", "tabular-regression", "tabular-to-text",
    "table-to-text", "multiple-choice", "text-ranking", "text-retrieval", "time-series-forecasting",
    "text-to-video", "image-text-to-text", "image-text-to-image", "image-text-to-video",
    "visual-question-answering", "document-question-answering", "zero-shot-image-classification", "graph-ml",
    "mask-generation", "zero-shot-object-detection", "text-to-3d", "image-to-3d", "image-feature-extraction",
    "video-text-to-text", "video-to-video", "keypoint-detection", "visual-document-retrieval", "any-to-any",
    "other",
))  # fmt: skip
SIZES = (
    "n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B",
    "100B<n<1T", "n>1T",
)  # fmt: skip
_FIELDS = ("text", "checkbox", "date_picker", "country", "ip_location", "select")
_GATE_TEXTS = (
    "extra_gated_prompt",
    "extra_gated_heading",
    "extra_gated_description",
    "extra_gated_button_content",
)
# Two letters (ISO 639-1) or three (ISO 639-3), and the Hub's two words for cards that are about several or none.
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}|multilingual|code)\Z")
_NAME = re.compile(r"""[^<>:/\\|?*]+\Z""")
_SPLIT = re.compile(r"\w+(?:\.\w+)*\Z")

Faults = Iterator[str]


def card_faults(text: str, files: Iterable[str] | None = None) -> list[str]:
    """What the Hub, or `datasets`, would refuse in a card.

    Args:
        text: README.md.
        files: the names of the files beside it, relative, with slashes; None skips the check that data files exist.

    Returns:
        A sentence for each fault, without a full stop.
    """
    parts = re.split(r"^---[ \t]*\n", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) != 3 or parts[0].strip():
        return ["it does not begin with YAML between two lines of ---"]
    try:
        front = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 2}" if mark else ""
        return [f"the YAML can't be read: {getattr(error, 'problem', None) or 'it is damaged'}{line}"]
    if not isinstance(front, dict):
        return ["the YAML is not a table of keys and values"]
    names = None if files is None else list(files)
    return [
        *_words(front),
        *_licence(front),
        *_gate(front),
        *_configs(front, names),
        *_info(front),
    ]


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _words(front: dict[str, Any]) -> Faults:
    """Keys that hold one word or several of a vocabulary."""
    vocabularies: tuple[tuple[str, Callable[[str], bool], str], ...] = (
        ("task_categories", TASKS.__contains__, "not a task category of the Hub"),
        ("size_categories", SIZES.__contains__, f"not a size category of the Hub; use one of {', '.join(SIZES)}"),
        ("language", lambda word: bool(_LANGUAGE.match(word)), "not an ISO 639 code of two or three small letters"),
        ("tags", lambda word: bool(word.strip()), "not a tag"),
    )
    for key, good, wrong in vocabularies:
        if front.get(key) is None:
            continue
        for word in _many(front[key]):
            if not isinstance(word, str):
                # YAML reads a bare `no`, which is Norwegian, as false.
                yield f"{key}: {word!r} is not text; put it in quotes"
            elif not good(word):
                yield f"{key}: {word!r} is {wrong}"
    if not isinstance(front.get("pretty_name", ""), str):
        yield "pretty_name: it is not text"
    viewer = front.get("viewer")
    if viewer is not None and not isinstance(viewer, bool):
        yield f"viewer: {viewer!r} is neither true nor false"


def _licence(front: dict[str, Any]) -> Faults:
    if front.get("license") is None:
        yield "license: it is missing; write `unknown` if you do not know it"
        return
    for word in _many(front["license"]):
        if not isinstance(word, str) or word not in LICENSES:
            yield f"license: {word!r} is not an identifier of the Hub; write `other` with license_name and license_link"
    is_other = "other" in _many(front["license"])
    for key in ("license_name", "license_link"):
        if is_other and not isinstance(front.get(key), str):
            yield f"{key}: it is missing, but the license is `other`"
        elif not is_other and front.get(key) is not None:
            yield f"{key}: it belongs only to the license `other`"


def _gate(front: dict[str, Any]) -> Faults:
    for key in _GATE_TEXTS:
        if front.get(key) is not None and not (isinstance(front[key], str) and front[key].strip()):
            yield f"{key}: it is not text"
    disallowed = front.get("extra_gated_eu_disallowed")
    if disallowed is not None and not isinstance(disallowed, bool):
        yield "extra_gated_eu_disallowed: it is neither true nor false"
    allowed = {*_GATE_TEXTS, "extra_gated_fields", "extra_gated_eu_disallowed"}
    for key in front:
        if str(key).startswith("extra_gated") and key not in allowed:
            yield f"{key}: the Hub does not know this key; it knows {', '.join(sorted(allowed))}"
    fields = front.get("extra_gated_fields")
    if fields is None:
        return
    if not isinstance(fields, dict) or not fields:
        yield "extra_gated_fields: it is not a table of names and types"
        return
    for name, field in fields.items():
        kind = field.get("type") if isinstance(field, dict) else field
        if not isinstance(name, str):
            yield f"extra_gated_fields: the name {name!r} is not text"
        if kind not in _FIELDS:
            yield f"extra_gated_fields: {name!r} has the unknown type {kind!r}; use one of {', '.join(_FIELDS)}"
        elif kind == "select" and not _options(field):
            yield f"extra_gated_fields: {name!r} is a select but has no list of options (texts, or label and value)"


def _options(field: Any) -> bool:
    options = field.get("options") if isinstance(field, dict) else None
    return (
        isinstance(options, list)
        and bool(options)
        and all(
            isinstance(option, str) or (isinstance(option, dict) and {"label", "value"} == option.keys())
            for option in options
        )
    )


def _configs(front: dict[str, Any], files: list[str] | None) -> Faults:
    configs = front.get("configs")
    if configs is None:
        return
    if not isinstance(configs, list):
        yield "configs: it is not a list"
        return
    names: list[str] = []
    for config in configs:
        name = config.get("config_name") if isinstance(config, dict) else None
        if not isinstance(name, str) or not _NAME.match(name):
            yield f"configs: {name!r} is not a valid config_name"
            continue
        if name in names:
            yield f"configs: {name} occurs twice"
        names.append(name)
        for sentence in _data_files(config, files):
            yield f"configs: {name}: {sentence}"
    if sum(isinstance(entry, dict) and entry.get("default") is True for entry in configs) > 1:
        yield "configs: more than one is marked as the default"


def _data_files(config: dict[str, Any], files: list[str] | None) -> Faults:
    entries = config.get("data_files")
    if entries is None:
        return
    splits: list[str] = []
    for entry in _many(entries):
        if isinstance(entry, str):
            paths: Any = entry
        elif isinstance(entry, dict) and set(entry) == {"split", "path"}:
            paths, split = entry["path"], entry["split"]
            if not isinstance(split, str) or not _SPLIT.match(split):
                yield f"{split!r} is not a valid split name"
            elif split in splits:
                yield f"the split {split} occurs twice"
            splits.append(str(split))
        else:
            yield "an entry of data_files must have exactly the two keys split and path"
            continue
        for path in _many(paths):
            if not isinstance(path, str) or not path:
                yield f"the path {path!r} is not text"
            elif path.startswith("/") or ".." in path.split("/") or "\\" in path:
                yield f"the path {path!r} leads out of the folder"
            elif files is not None and not any(fnmatch.fnmatchcase(file, path) for file in files):
                yield f"the file {path} does not exist"


def _info(front: dict[str, Any]) -> Faults:
    info = front.get("dataset_info")
    if info is None:
        return
    configs = front.get("configs")
    names = (
        {config.get("config_name") for config in configs if isinstance(config, dict)}
        if isinstance(configs, list)
        else None
    )
    for entry in _many(info):
        if not isinstance(entry, dict):
            yield "dataset_info: it is neither a table nor a list of tables"
            continue
        name = entry.get("config_name", "default")
        if names is not None and name not in names:
            yield f"dataset_info: {name} is not a configuration"
        if "features" in entry:
            for sentence in _features(entry["features"], ""):
                yield f"dataset_info: {sentence}"


def _features(features: Any, place: str) -> Faults:
    if not isinstance(features, list):
        yield f"the features{place} are not a list"
        return
    names: set[str] = set()
    for feature in features:
        name = feature.get("name") if isinstance(feature, dict) else None
        if not isinstance(name, str):
            yield f"a feature{place} has no name"
            continue
        if name in names:
            yield f"the feature {name}{place} occurs twice"
        names.add(name)
        kinds = [key for key in ("dtype", "struct", "list", "sequence") if key in feature]
        if len(kinds) != 1:
            yield f"the feature {name}{place} must have exactly one of dtype, struct, list"
            continue
        inner = feature[kinds[0]]
        if kinds[0] == "struct" or (kinds[0] != "dtype" and isinstance(inner, list)):
            yield from _features(inner, f" of {name}")
        elif isinstance(inner, dict) and "class_label" in inner:
            yield from _labels(name, inner["class_label"])


def _labels(name: str, label: Any) -> Faults:
    names = label.get("names") if isinstance(label, dict) else None
    if not isinstance(names, dict) or list(names) != [str(number) for number in range(len(names))]:
        yield f"the labels of {name} are not numbered '0', '1', …, in quotes"
    elif not all(isinstance(word, str) for word in names.values()):
        yield f"a label of {name} is not text; put it in quotes"
