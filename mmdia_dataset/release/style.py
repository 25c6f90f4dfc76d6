"""What is said about a whole dialogue: triplet, labels, description, scores. All dialects are read alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mmdia_dataset.release.rules import Notes
from mmdia_dataset.release.values import json_type, score_of
from mmdia_dataset.schema import INTERACTION_MODES, RELATIONSHIPS, Dialogue

__all__ = ["Style", "number", "read_style", "style_of", "tags_of", "write_labels", "write_scores"]

_RELATIONSHIPS = {label.casefold(): label for label in RELATIONSHIPS}
_INTERACTIONS = {label.casefold(): label for label in INTERACTION_MODES}
_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*(?:```)?\s*", re.DOTALL)
_PLACES = {
    "relationship": 0,
    "interactionmode": 1,
    "interactiontype": 1,
    "interaction": 1,
    "emotionaltone": 2,
    "emotionalstate": 2,
    "emotion": 2,
    "tone": 2,
}

Texts = list[str | None]
Style = Mapping[str, Any]
"""The fields triplet, description, intensity and volatility of a dialogue, as plain values; missing ones are None."""


def read_style(raw: dict[str, Any], notes: Notes) -> Style:
    """The dialogue's fields triplet, description, intensity and volatility, as far as an entry has them."""
    fields: dict[str, Any] = {}
    texts: Texts = [None, None, None]
    description: str | None = None
    for key in ("style_annotation", "annotation"):
        annotation = raw.get(key)
        if annotation is not None:
            texts, description = _annotation(annotation, key, notes)
            break
    triplet = raw.get("affective_triplet")
    if triplet is None:
        triplet = raw.get("annotation_tag")
    if triplet is not None:
        texts = _texts(triplet, ".affective_triplet" if "affective_triplet" in raw else ".annotation_tag", notes)
    raw_description = raw.get("description")
    if raw_description is None:
        raw_description = raw.get("annotation_text")
    if raw_description is not None:
        description = _description(raw_description, ".description", notes)
    relationship = raw.get("relationship")
    interaction = raw.get("interaction_type")
    if relationship is not None:
        relationship = _label(relationship, _RELATIONSHIPS, texts, 0, "relationship", notes)
    if interaction is not None:
        interaction = _label(interaction, _INTERACTIONS, texts, 1, "interaction_type", notes)
    first, second, tone = texts
    if first is not None or second is not None or tone is not None or relationship or interaction:
        fields["triplet"] = {
            "relationship": {"text": first, "label": relationship},
            "interaction": {"text": second, "label": interaction},
            "tone": tone,
        }
    if description is not None:
        fields["description"] = description
    for field, keys in (("intensity", ("emotion_intensity", "intensity")), ("volatility", ("emotion_volatility",))):
        for key in keys:
            if key in raw and (score := score_of(raw[key], key, notes)) is not None:
                fields[field] = score
                break
    return fields


def _label(value: Any, vocabulary: Mapping[str, str], texts: Texts, place: int, key: str, notes: Notes) -> str | None:
    if type(value) is not str:
        notes.add("unknown-label", f"{key} is {json_type(value)}, not text", f".{key}")
        return None
    label = vocabulary.get(value.strip().casefold())
    if label is None and value.strip():
        notes.add("unknown-label", f"{value!r} is not in the vocabulary of {key}", f".{key}")
        if texts[place] is None:
            texts[place] = value
    return label


def _annotation(annotation: Any, key: str, notes: Notes) -> tuple[Texts, str | None]:
    if type(annotation) is str:
        return _from_model(annotation, f".{key}", notes)
    if type(annotation) is not dict:
        notes.add("bad-style", f"{key} is neither an object nor text", f".{key}")
        return [None, None, None], None
    texts: Texts = [None, None, None]
    tags = annotation.get("Tags", annotation.get("tags"))
    if tags is not None:
        texts = _texts(tags, f".{key}.Tags", notes)
    elif any(_folded(name) in _PLACES for name in annotation):
        texts = _texts(annotation, f".{key}", notes)
    summary = annotation.get("Summary", annotation.get("summary"))
    if summary is None:
        return texts, None
    if type(summary) is str and _looks_raw(summary):
        inner, description = _from_model(summary, f".{key}.Summary", notes)
        return (inner if tags is None else texts), description
    return texts, _description(summary, f".{key}.Summary", notes)


def _looks_raw(text: str) -> bool:
    return "```" in text or '"Summary"' in text or (text[:1] in "{[" and text[-1:] in "}]" and '"' in text)


def _from_model(text: str, path: str, notes: Notes) -> tuple[Texts, str | None]:
    """Raw output of a language model: JSON in a fence if it holds any, else the text as it is."""
    notes.add("raw-summary", "the summary is raw model output", path)
    match = _FENCE.fullmatch(text)
    try:
        inner = json.loads(match.group(1) if match else text)
    except (ValueError, RecursionError):
        inner = None
    if type(inner) is dict:
        quiet = Notes()
        tags, summary = inner.get("Tags"), inner.get("Summary")
        if type(summary) is str:
            return (_texts(tags, path, quiet) if tags is not None else [None, None, None]), summary
    return [None, None, None], text


def _folded(key: str) -> str:
    return "".join(c for c in key.casefold() if c.isalnum())


def _texts(tags: Any, path: str, notes: Notes) -> Texts:
    """Relationship, interaction mode and tone from a list of three or an object; empty texts count as none."""
    texts: Texts = [None, None, None]
    if type(tags) is dict:
        for key, value in tags.items():
            place = _PLACES.get(_folded(key))
            if place is not None and type(value) is str and value:
                texts[place] = value
            elif place is not None and value not in (None, ""):
                notes.add("tags-not-three", f"{key} is not text", path)
        return texts
    parts = [part.strip() for part in tags.split(",")] if type(tags) is str else tags
    if type(parts) is not list:
        notes.add("tags-not-three", "the tags are neither a list nor an object", path)
        return texts
    if len(parts) != 3 or type(tags) is str or any(type(part) is not str for part in parts):
        notes.add("tags-not-three", f"the tags should be a list of three texts; there are {len(parts)}", path)
    for place, value in enumerate(parts[:3]):
        texts[place] = value if type(value) is str and value else None
    return texts


def _description(raw: Any, path: str, notes: Notes) -> str | None:
    if type(raw) is str:
        return raw or None
    notes.add("description-not-text", "the description is not one text", path)
    lines = list(_flat(raw))
    return "\n".join(lines) or None


def _flat(raw: Any) -> list[str]:
    if type(raw) is dict:
        return [
            f"{key}: {' '.join(_flat(value))}" if type(value) is not str else f"{key}: {value}"
            for key, value in raw.items()
        ]
    if type(raw) is list:
        return [line for item in raw for line in _flat(item)]
    return [raw] if type(raw) is str else []


def style_of(dialogue: Dialogue) -> Style:
    """What `read_style` gave of a dialogue."""
    triplet = dialogue.triplet
    return {
        "triplet": None if triplet is None else triplet.model_dump(),
        "description": dialogue.description,
        "intensity": dialogue.intensity,
        "volatility": dialogue.volatility,
    }


def tags_of(style: Style) -> list[str] | None:
    """The triplet's three free texts, missing ones empty; None if none of them is there."""
    triplet = style.get("triplet")
    if triplet is None:
        return None
    texts = [triplet["relationship"]["text"] or "", triplet["interaction"]["text"] or "", triplet["tone"] or ""]
    return texts if any(texts) else None


def write_labels(style: Style, entry: dict[str, Any]) -> None:
    """Add the closed labels that a dialogue has."""
    triplet = style.get("triplet")
    if triplet is not None:
        if triplet["relationship"]["label"] is not None:
            entry["relationship"] = triplet["relationship"]["label"]
        if triplet["interaction"]["label"] is not None:
            entry["interaction_type"] = triplet["interaction"]["label"]


def write_scores(style: Style, entry: dict[str, Any]) -> None:
    """Add intensity and volatility where a dialogue has them."""
    for name in ("intensity", "volatility"):
        score = style.get(name)
        if score is not None:
            entry[f"emotion_{name}"] = number(score)


def number(value: float) -> int | float:
    """7.0 as 7, as people write scores."""
    return int(value) if value.is_integer() else value
