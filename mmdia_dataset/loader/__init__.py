"""Rows for `datasets`: where they come from, what form they have, and the builder that serves them.

data_dir          finds the folder to load: data_dir, $MMDIA_HOME, or the Hub
parts             parts of a source that can be read on their own
released          rows of a release
sounds            rows of a release with the sound that it brings
row_sources       rows of a built directory; tells a release from a built directory
cuts              cuts clips of a release while loading
task_rows_source  rows of tasks, made from clips
choices           selects dialogues: a subset, or the benchmark
rows              Arrow tables in the form `datasets` stores
features          the columns, for `datasets`
builder           the builder
loading           `load`
"""

from mmdia_dataset.loader.builder import Builder, Config
from mmdia_dataset.loader.features import features
from mmdia_dataset.loader.loading import load

__all__ = ["Builder", "Config", "features", "load"]
