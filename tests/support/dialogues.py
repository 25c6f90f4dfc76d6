"""Dialogues made for one test."""

import json

from mmdia_dataset.schema import Dialogue


def dialogue(number=0, movie="tt0000001", turns=((0, 0, 1000, "Hi."), (1, 1000, 2000, "Hello.")), **changes):
    """Two speakers, and turns given as (speaker, start, end, text), each a cue."""
    value = {
        "id": f"{movie}_clip_{number}",
        "movie": movie,
        "batch": None,
        "number": number,
        "timeline": "movie",
        "span": {"start_ms": 0, "end_ms": 2000},
        "speakers": [{"id": i, "name": name, "named": True} for i, name in enumerate(("Anna", "Eve"))],
        "turns": [
            {"speaker": s, "span": {"start_ms": a, "end_ms": b}, "text": text, "cue": cue}
            for cue, (s, a, b, text) in enumerate(turns)
        ],
        **changes,
    }
    return Dialogue.model_validate_json(json.dumps(value))
