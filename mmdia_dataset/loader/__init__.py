"""Rows for `datasets`: where they come from, what form they have, and the builder that serves them.

places    the folder named, $MMDIA_HOME, the Hub
sources   what is read: a release, a built directory
cuts      clips of a release, cut on the fly
tasks     rows of tasks, made from a built directory
choices   some of the dialogues: a subset, the benchmark
rows      Arrow tables in the form `datasets` stores
builder   features, the builder, and `load`; imports `datasets`
"""

from mmdia_dataset.loader.builder import Builder, Config, features, load

__all__ = ["Builder", "Config", "features", "load"]
