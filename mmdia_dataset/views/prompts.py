"""Explicit control in words: triplet and description, rendered by templates that are chosen by seed."""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import lru_cache

from mmdia_dataset.errors import ConfigError
from mmdia_dataset.schema import AffectiveTriplet
from mmdia_dataset.views.draws import choose

__all__ = ["FIELDS", "TEMPLATES", "controls_of", "fields_of", "prompt"]

FIELDS = ("relationship", "interaction", "tone", "description")
"""The fields that a template can use."""

TEMPLATES = (
    "{description}",
    "Speak it like this: {description}",
    "How the dialogue is spoken: {description}",
    "Relationship: {relationship}. Interaction: {interaction}. Tone: {tone}.",
    "Tone: {tone}. The speakers: {relationship}. What they do: {interaction}.",
    "A dialogue with this tone: {tone}; this relationship: {relationship}; this interaction: {interaction}.",
    "{description} Relationship: {relationship}. Interaction: {interaction}. Tone: {tone}.",
    "Tone: {tone}. The speakers: {relationship}. What they do: {interaction}. {description}",
    "Relationship: {relationship}. Interaction: {interaction}.",
    "Relationship: {relationship}. Tone: {tone}.",
    "Interaction: {interaction}. Tone: {tone}.",
    "{description} Relationship: {relationship}. Interaction: {interaction}.",
    "{description} Relationship: {relationship}. Tone: {tone}.",
    "{description} Interaction: {interaction}. Tone: {tone}.",
    "Relationship: {relationship}.",
    "Interaction: {interaction}.",
    "Tone: {tone}.",
    "{description} Relationship: {relationship}.",
    "{description} Interaction: {interaction}.",
    "{description} Tone: {tone}.",
)
"""For every set of fields there is a template; where there are several, seed and id choose."""


@lru_cache(maxsize=1024)
def fields_of(template: str) -> tuple[str, ...]:
    """The fields that a template uses.

    Raises:
        ConfigError: it uses no field, an unknown one, or one with a format.
    """
    try:
        parsed = list(string.Formatter().parse(template))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"the template {template!r} is invalid: {error}", hint="write { and } as {{ and }}") from None
    named = [(name, spec, conversion) for _, name, spec, conversion in parsed if name is not None]
    for name, spec, conversion in named:
        if name not in FIELDS or spec or conversion:
            allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise ConfigError(
                f"the template {template!r} can't use {name!r} this way",
                hint=f"known fields are {allowed}, without a format",
            )
    if not named:
        raise ConfigError(f"the template {template!r} has no field", hint="use for example {tone}")
    return tuple(dict.fromkeys(name for name, _, _ in named))


def controls_of(triplet: AffectiveTriplet | None, description: str | None) -> dict[str, str]:
    """What there is to speak of, by field: free words where there are some, else the label."""
    texts: dict[str, str | None] = {"description": description}
    if triplet is not None:
        texts["relationship"] = triplet.relationship.text or triplet.relationship.label
        texts["interaction"] = triplet.interaction.text or triplet.interaction.label
        texts["tone"] = triplet.tone
    return {name: text.strip() for name in FIELDS if (text := texts.get(name)) and text.strip()}


def prompt(controls: dict[str, str], id_: str, *, seed: int = 0, templates: Sequence[str] | None = None) -> str | None:
    """A prompt from controls; None if no template fits them.

    Of the templates whose fields are all there, those that use most of them are kept, and one is chosen by seed and id.
    """
    best = _fullest(frozenset(controls), TEMPLATES if templates is None else tuple(templates))
    return choose(best, seed, "template", id_).format(**controls) if best else None


@lru_cache(maxsize=1024)
def _fullest(available: frozenset[str], templates: tuple[str, ...]) -> tuple[str, ...]:
    """Of the templates that speak of known fields alone, those that speak of most."""
    fitting = [template for template in templates if available.issuperset(fields_of(template))]
    most = max((len(fields_of(template)) for template in fitting), default=0)
    return tuple(template for template in fitting if len(fields_of(template)) == most)
