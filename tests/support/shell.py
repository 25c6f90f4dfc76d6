"""The shell's commands, run in this process."""

from pathlib import Path

from typer.testing import CliRunner

from mmdia_dataset import cli

# What a shell has that a function has not, and the names a shell's habits call for.
SHELL_ONLY = {"format_", "report_file", "movies"}
RENAMED = {"folder": "out", "page": "out"}
FUNCTION_ONLY = {"before", "loader", "progress", "on_issue", "on_fault", "token"}


COMMANDS = sorted(
    path.stem
    for path in Path(cli.__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "app", "options", "terminal")
)


def mmdia(*arguments, code=0):
    """Run a command in this process; gives standard output and standard error."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result.stdout, result.stderr
