"""What all commands share: the application, options, and how errors are printed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer
from typer.core import TyperCommand, TyperGroup

import mmdia_dataset
from mmdia_dataset.cli.terminal import err, out
from mmdia_dataset.errors import MmdiaError, shown

__all__ = ["GROUPS", "Format", "FormatOption", "MediaOption", "ReleaseOption", "app", "command"]

# In the order in which a user comes to need them.
GROUPS = {
    "Start": ("demo", "doctor"),
    "Make a release": ("fingerprint",),
    "Look at a release, and publish it": ("validate", "convert", "stats", "splits", "bench", "card", "publish"),
    "Rebuild clips from a release and your films": ("decode", "locate", "align", "rebuild"),
    "Train with the clips": ("pack", "check", "export", "show"),
    "Compare with others": ("coverage", "score"),
}


class _Group(TyperGroup):
    """Lists the commands by what they are for, in plain text, which can be piped."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        longest = max(map(len, self.commands))
        room = formatter.width - 6 - longest
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(longest), self.commands[name].get_short_help_str(room)) for name in names]
                )


class _Command(TyperCommand):
    """Lists the options by what they belong to; those that name nothing come first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = f"{parameter.param_type_name.title()}s"
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


app = typer.Typer(
    cls=_Group,
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


FormatOption = Annotated[Format, typer.Option("--format", help="Output: text for people, json for programs.")]
ReleaseOption = Annotated[Path, typer.Option("--release", help="Folder (or file) of annotations.", show_default=False)]
MediaOption = Annotated[
    Path, typer.Option("--media", help="Folder of your films, or a media.toml that lists them.", show_default=False)
]


class _State:
    debug = False


def _print_version(asked: bool) -> None:
    if asked:
        out.print(f"mmdia-dataset {mmdia_dataset.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
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
            _stop(error, "stopped. Run the same command again to go on; what is finished is not made again.", 130)
        except BrokenPipeError:
            code = 0
        except OSError as error:
            place = f"{shown(str(error.filename))}: " if error.filename else ""
            _stop(error, f"{place}{(error.strerror or str(error)).lower()}.", 3)
        raise typer.Exit(code)

    app.command(cls=_Command)(run)
    return run
