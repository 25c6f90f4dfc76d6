"""Chat messages with media: the input is the user's message, the target the assistant's.

One object a line: `messages`, each with `role` and `content`, and the lists `audios`, `images`, `videos`. Each
``<audio>``, ``<image>`` and ``<video>`` in a content stands for the next file of its list, as in the ShareGPT-like
format of multimodal trainers. In texts, which hold sounds in the same brackets, `<` is written `‹` and `>` as `›`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mmdia_dataset.exports.source import SplitSource
from mmdia_dataset.schema import Media
from mmdia_dataset.views import TASKS, lacking

__all__ = ["messages"]

_BRACKETS = str.maketrans("<>", "‹›")
# What each task gives, in this order, and what it makes.
_GIVEN = {"style_speech": (), "vision_speech": ("image",), "speech_video": ("audio",)}
_MADE = {"style_speech": "audio", "vision_speech": "audio", "speech_video": "video"}


def messages(source: SplitSource) -> Iterator[tuple[str, str]]:
    """A conversation per row of the task."""
    task = TASKS[source.task]
    name = f"mm-dia_{task.name}_{source.split}.jsonl"
    for clip in source.clips():
        lack = lacking(task, source.options, clip)
        if lack is not None:
            source.left_out[lack] += 1
            continue
        row: Any = source.clipset.row(task, source.options, clip, source.split)
        media: dict[str, list[Media]] = {"audio": [], "image": [], "video": []}
        content = []
        for kind in _GIVEN[task.name]:
            media[kind] += [keyframe.image for keyframe in row.keyframes] if kind == "image" else [row.audio]
            content.append(f"<{kind}>" * len(media[kind]))
        content += [text.translate(_BRACKETS) for text in (getattr(row, "prompt", None), row.transcript) if text]
        target = _MADE[task.name]
        media[target].append(getattr(row, target))
        entry = {
            "id": row.id,
            "messages": [
                {"role": "user", "content": "\n".join(text for text in content if text)},
                {"role": "assistant", "content": f"<{target}>"},
            ],
            **{f"{kind}s": [source.path(file) for file in files] for kind, files in media.items() if files},
        }
        yield name, json.dumps(entry, ensure_ascii=False)
