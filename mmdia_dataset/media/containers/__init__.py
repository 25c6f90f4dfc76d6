"""Indexes of containers, read byte by byte: the place of each packet. This does not use libav."""
