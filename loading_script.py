"""MM-DIA for `datasets` 3, which runs loading scripts.

    load_dataset("loading_script.py", "clips", data_dir=…, trust_remote_code=True)

From version 4 on, `datasets` runs no scripts: `import mmdia_dataset`, then `load_dataset("mm-dia", …)` takes its place.
"""

import datasets

from mmdia_dataset.errors import DatasetsVersionError
from mmdia_dataset.loader import Builder

__all__ = ["Builder"]

if int(datasets.__version__.split(".")[0]) >= 4:
    raise DatasetsVersionError(
        f"datasets {datasets.__version__} runs no loading scripts",
        where=__file__,
        hint='import mmdia_dataset, then load_dataset("mm-dia", …) with the same arguments',
    )
