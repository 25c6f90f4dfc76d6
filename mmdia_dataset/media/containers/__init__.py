"""Indexes of containers, read byte by byte: where each packet lies. No libav here."""
