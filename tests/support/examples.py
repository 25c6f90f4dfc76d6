"""A good example of every format that has a JSON Schema."""

FINGERPRINT = "sha256:" + "0" * 64

IDS = {
    "count": 3, "sha256": "0" * 64, "movies": [{"movie": "tt0114388", "numbers": "0-1"}], "others": ["b"],
}  # fmt: skip

EXAMPLES = {
    "dialogue": {
        "id": "tt0114388_clip_64", "movie": "tt0114388", "batch": "movie_41", "number": 64, "timeline": "movie",
        "span": {"start_ms": 0, "end_ms": 2000},
        "speakers": [{"id": 0, "name": "Dr. Green's mother", "named": True, "visible": "partly"}],
        "turns": [{
            "speaker": 0, "span": {"start_ms": 0, "end_ms": 2000}, "text": "Hello?", "cue": 5,
            "nonverbal": [{"sound": "phone rings", "offset": 6, "speaker": None}], "visibility": "on_screen",
        }],
        "triplet": {
            "relationship": {"text": "mother and stranger", "label": "Family"},
            "interaction": {"text": None, "label": "Dialogue Exchange"}, "tone": "dread",
        },
        "description": "She picks up brightly.", "intensity": 7, "volatility": 5.5, "language": "en",
        "extra": {"a": [1]},
    },
    "movie": {"id": "tv_01_mad_men_S05E01-E02", "season": 5, "episodes": [1, 2], "file": "json/tv/S05E01.json"},
    "splits": {"train": ["a_clip_0"], "hard": ["a_clip_0"]},
    "passport": {
        "movie": "tt0114388", "duration_ms": 8160000, "frame_rate": "24000/1001", "language": "en",
        "fingerprint": {"version": 1, "data": "AAECAw=="},
    },
    "edition": {
        "movie": "tt0114388", "recording": {"name": "a film.mkv", "fingerprint": FINGERPRINT, "duration_ms": 8000},
        "pieces": [{"from_ms": 0, "to_ms": 8000, "rate": "25025/24000", "offset_ms": -15015.5}],
        "evidence": {"tier": "fingerprint", "error_ms": 5, "confidence": 0.99},
        "refused": [{"id": "tt0114388_clip_3", "reasons": [{"rule": "absent", "detail": "not there"}]}],
    },
    "manifest_line": {
        "id": "tt0114388_clip_64", "movie": "tt0114388", "splits": ["test", "hard"], "mode": "copy", "status": "made",
        "span": {"start_ms": 0, "end_ms": 2000}, "settings": {"mode": "copy"}, "file": "clips/tt0114388/a.mp4",
        "sha256": "0" * 64, "size": 10, "recording": {"name": "a film.mkv", "fingerprint": FINGERPRINT},
        "rate": "1/1", "offset_ms": 0, "at": {"start_s": 0.0, "end_s": 2.002}, "frames": 48, "samples": None,
        "evidence": {"tier": "identity"},
    },
    "issue": {
        "severity": "error", "rule": "ends-before-start", "file": None, "path": "$", "message": "ends", "hint": "swap",
    },
    "certificate": {
        "made_by": "mmdia coverage", "version": "1", "modes": ["audio", "copy"], "release": "0" * 64, "wanted": 3,
        "made": 2, "hours": 0.01,
        "splits": [{"split": "test", "wanted": 3, "listed": "0" * 64, "made": IDS, "hours": 0.01}],
        "movies": [{"movie": "tt0114388", "sha256": "0" * 64}], "bounds": {"within_5_ms": 2},
    },
    "subset": {
        "made_by": "mmdia coverage", "version": "1", "certificates": ["0" * 64], "ids": IDS,
        "splits": [{"split": "test", "ids": IDS}],
    },
    "answer": {
        "id": "tt0114388_clip_64", "text": None, "movie": "tt0114388", "relationship": "Family", "interaction": None,
        "utterances": [{"speaker": "S1", "text": "Hello?", "start_ms": 0, "end_ms": 2290}], "scores": {"utmos": 3.5},
    },
    "sample": {
        "id": "tt0114388_clip_64", "movie": "tt0114388", "batch": None, "number": 64, "timeline": "movie",
        "span": {"start_ms": 0, "end_ms": 2290}, "speakers": [], "turns": [], "extra": "{}", "splits": ["test"],
        "keyframes": [{"member": "000.jpg", "time_ms": 5, "turn": None}], "frames": 55, "samples": None,
        "files": [{"member": "mp4", "mode": "copy", "sha256": "0" * 64, "size": 9, "rate": "1/1", "length_s": 2.29}],
    },
    "shard_index": {
        "version": "1.0", "members": ["json", "mp4"], "samples": 1, "bytes": 3072, "sha256": "0" * 64,
        "shards": [
            {"file": "data/test-00000-of-00001.tar", "split": "test", "samples": 1, "bytes": 3072,
             "sha256": "0" * 64, "basis": "0" * 64},
        ],
    },
}  # fmt: skip
