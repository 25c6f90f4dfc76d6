"""The name "mm-dia" for `datasets.load_dataset`.

`datasets` has no plug-in point, so the one function that turns a name into a builder, `dataset_module_factory`, is
wrapped in the two modules that call it, `datasets.load` and `datasets.inspect`. That happens when `datasets` is
imported, before or after this package, and not at all in a program that never imports it.

Its registry of packaged modules would be simpler but wrong: without data_files it lists the whole working directory.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import wrapt

from mmdia_dataset.errors import DatasetsVersionError

__all__ = ["NAME", "register"]

NAME = "mm-dia"

_MODULES = ("datasets.load", "datasets.inspect")
_FUNCTION = "dataset_module_factory"
_LOADER = "mmdia_dataset.loader"
_SCRIPT = "loading_script.py"
_OURS = "_mmdia_wrapped"

_registered = False
_moved_said = False


def register() -> None:
    """Have `datasets` taught the name as soon as it is imported, or now if it is. Calling it again changes nothing."""
    global _registered
    if not _registered:
        _registered = True
        for module in _MODULES:
            wrapt.register_post_import_hook(_wrap, module)


def _wrap(module: Any) -> None:
    """Put our function in front of the module's `dataset_module_factory`; leave everything else to it."""
    original = getattr(module, _FUNCTION, None)
    if not callable(original) or not hasattr(sys.modules.get("datasets.load"), "DatasetModule"):
        _say_moved(module.__name__)
    elif not hasattr(original, _OURS):  # datasets.inspect takes it from datasets.load, where it may be wrapped already
        setattr(module, _FUNCTION, _wrapped(original))


def _wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def dataset_module_factory(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).endswith(_SCRIPT) and int(sys.modules["datasets"].__version__.split(".")[0]) >= 4:
            raise DatasetsVersionError(
                "from version 4 on, datasets runs no loading scripts",
                where=path,
                hint=f"use load_dataset({NAME!r}, …) with the same arguments",
            )
        if path != NAME or _local_folder_wins(kwargs.get("data_dir")):
            return original(path, *args, **kwargs)
        revision = kwargs.get("revision")
        # datasets imports the loader by its name; what the builder makes of its arguments gives the real hash.
        module = sys.modules["datasets.load"].DatasetModule
        return module(_LOADER, NAME, {"dataset_name": NAME} | ({"revision": revision} if revision else {}))

    setattr(dataset_module_factory, _OURS, True)
    return dataset_module_factory


def _local_folder_wins(data_dir: object) -> bool:
    """Whether a folder `mm-dia` in the working directory is what is meant. Says what is loaded if it could be either.

    `load_dataset("mm-dia")` beside such a folder has always meant the folder. With a data_dir, it says itself where
    the data is.
    """
    if not os.path.isdir(NAME):  # noqa: PTH112 - one stat of the working directory, no more
        return False
    if data_dir is None:
        warnings.warn(
            f"the folder {NAME}/ of the working directory is loaded as it is, by datasets alone; for the loader of "
            f"mmdia-dataset give data_dir, for example data_dir={NAME!r}.",
            stacklevel=5,
        )
        return True
    if not os.path.exists(str(data_dir)) or not os.path.samefile(str(data_dir), NAME):  # noqa: PTH110, PTH121
        warnings.warn(
            f"data_dir={str(data_dir)!r} is loaded; the folder {NAME}/ of the working directory is not used.",
            stacklevel=5,
        )
    return False


def _say_moved(module: str) -> None:
    global _moved_said
    if not _moved_said:
        _moved_said = True
        warnings.warn(
            f"this version of datasets has no {module}.{_FUNCTION}, so load_dataset does not know the name {NAME!r}; "
            f"use mmdia_dataset.load(…) instead, which takes the same arguments.",
            stacklevel=2,
        )
