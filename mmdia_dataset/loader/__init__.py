"""Rows for `datasets`: where they come from, what form they have, and the builder that serves them.

places    the folder named, $MMDIA_HOME, the Hub
parts     of what is read, each to be read by itself
released  a release, read
sources   a built directory, read; which of the two a folder is
cuts      clips of a release, cut on the fly
tasks     rows of tasks, made from a built directory
choices   some of the dialogues: a subset, the benchmark
rows      Arrow tables in the form `datasets` stores
features  the columns, for `datasets`
builder   the builder
loading   `load`
"""

from mmdia_dataset.loader.builder import Builder, Config
from mmdia_dataset.loader.features import features
from mmdia_dataset.loader.loading import load

__all__ = ["Builder", "Config", "features", "load"]
