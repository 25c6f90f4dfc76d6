"""Alignment by the sound that a release brings of its dialogues: each is found in the recording by itself."""
