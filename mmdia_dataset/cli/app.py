"""What all commands share: the application, options, and how errors are said."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, ParamSpec

import typer

from mmdia_dataset.cli.terminal import err
from mmdia_dataset.errors import MmdiaError, shown

__all__ = ["Format", "FormatOption", "MediaOption", "ReleaseOption", "app", "command"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="MM-DIA from films you own: find them, cut every dialogue to the frame, check it, load it.",
)
P = ParamSpec("P")


class Format(StrEnum):
    """How a report is printed."""

    text = "text"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
ReleaseOption = Annotated[Path, typer.Option("--release", help="Folder (or file) of annotations.", show_default=False)]
MediaOption = Annotated[
    Path, typer.Option("--media", help="Folder of your films, or a media.toml that lists them.", show_default=False)
]


class _State:
    debug = False


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    _State.debug = debug


def _stop(error: BaseException, sentence: str, code: int) -> NoReturn:
    if _State.debug:
        raise error
    err.print(f"mmdia: {sentence}")
    raise typer.Exit(code)


def command(function: Callable[P, int]) -> Callable[P, None]:
    """A command that ends with its function's exit code, and says every error in one sentence."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
        except MmdiaError as error:
            _stop(error, str(error), error.exit_code)
        except KeyboardInterrupt as error:
            _stop(error, "stopped; what was made stays made, run the same command to go on.", 130)
        except BrokenPipeError:
            code = 0
        except OSError as error:
            place = f"{shown(str(error.filename))}: " if error.filename else ""
            _stop(error, f"{place}{(error.strerror or str(error)).lower()}.", 3)
        raise typer.Exit(code)

    app.command()(run)
    return run
