"""What is wanted of cutting: a dialogue, and no more of it than that needs."""

from __future__ import annotations

from dataclasses import dataclass

from mmdia_dataset import clips
from mmdia_dataset.schema import Dialogue, Span, Split

__all__ = ["Wish"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A dialogue whose clip is wanted: no more of it than cutting needs, so that 54,700 fit in memory."""

    id: str
    movie: str
    number: int
    span: Span
    placed: bool
    splits: tuple[Split, ...]
    moments: tuple[clips.Moment, ...] = ()


def _wish(dialogue: Dialogue, splits: tuple[Split, ...], settings: clips.Settings) -> Wish:
    placed = dialogue.timeline == "movie"
    moments = settings.moments(dialogue) if isinstance(settings, clips.KeyframeSettings) else ()
    return Wish(dialogue.id, dialogue.movie, dialogue.number, dialogue.span, placed, splits, moments)
