"""The name "mm-dia" for `datasets.load_dataset`.

`datasets` has no plug-in point, so the one function that turns a name into a builder, `dataset_module_factory`, is
wrapped in the two modules that call it, `datasets.load` and `datasets.inspect`. That happens when `datasets` is
imported, before or after this package, and not at all in a program that never imports it.

Its registry of packaged modules would be simpler but wrong: without data_files it lists the whole working directory.
The hook on imports is written out here: libraries for it cost half of what `import mmdia_dataset` takes.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from mmdia_dataset.errors import DatasetsVersionError

__all__ = ["NAME", "register"]

NAME = "mm-dia"

_MODULES = ("datasets.load", "datasets.inspect")
_FUNCTION = "dataset_module_factory"
_LOADER = "mmdia_dataset.loader"
_SCRIPT = "loading_script.py"
_OURS = "_mmdia_wrapped"

_registered = False
_moved_warned = False


def register() -> None:
    """Teach `datasets` the name as soon as it is imported, or now if it is imported already. Safe to call again."""
    global _registered
    if not _registered:
        _registered = True
        sys.meta_path.insert(0, _Finder())
        for name in _MODULES:
            if name in sys.modules:
                _wrap(sys.modules[name])


class _Finder:
    """Finds nothing itself, but wraps the modules that later finders find, once they have run."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of one of the modules, by the finders after this one; None of every other."""
        if name not in _MODULES:
            return None
        later = sys.meta_path[sys.meta_path.index(self) + 1 :]
        spec = next((candidate for finder in later if (candidate := finder.find_spec(name, path, target))), None)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _wrap(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _wrap(module: Any) -> None:
    """Put our function in front of the module's `dataset_module_factory`; leave everything else to it."""
    original = getattr(module, _FUNCTION, None)
    if not callable(original) or not hasattr(sys.modules.get("datasets.load"), "DatasetModule"):
        _warn_moved(module.__name__)
    elif not hasattr(original, _OURS):  # datasets.inspect takes it from datasets.load, where it may be wrapped already
        setattr(module, _FUNCTION, _wrapped(original))


def _wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def dataset_module_factory(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).endswith(_SCRIPT) and int(sys.modules["datasets"].__version__.split(".")[0]) >= 4:
            raise DatasetsVersionError(
                "datasets 4 and later can't run loading scripts",
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
    """Whether a folder `mm-dia` in the working directory is what is meant. Warns if it could be either.

    `load_dataset("mm-dia")` beside such a folder has always meant the folder. With data_dir, the caller names the
    data.
    """
    if not os.path.isdir(NAME):  # noqa: PTH112 - one stat of the working directory, no more
        return False
    if data_dir is None:
        warnings.warn(
            f"datasets alone loads the folder {NAME}/ of the working directory; to use the loader of mmdia-dataset "
            f"instead, give data_dir, for example data_dir={NAME!r}.",
            stacklevel=5,
        )
        return True
    if not os.path.exists(str(data_dir)) or not os.path.samefile(str(data_dir), NAME):  # noqa: PTH110, PTH121
        warnings.warn(
            f"data_dir={str(data_dir)!r} is loaded; the folder {NAME}/ of the working directory is ignored.",
            stacklevel=5,
        )
    return False


def _warn_moved(module: str) -> None:
    global _moved_warned
    if not _moved_warned:
        _moved_warned = True
        warnings.warn(
            f"this version of datasets has no {module}.{_FUNCTION}, so load_dataset can't find {NAME!r}; "
            f"use mmdia_dataset.load(…) instead; it takes the same arguments.",
            stacklevel=2,
        )
