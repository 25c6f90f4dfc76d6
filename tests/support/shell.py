"""The shell's commands, run in this process."""

from typer.testing import CliRunner

from mmdia_dataset import cli


def mmdia(*arguments, code=0):
    """Run a command in this process; gives standard output and standard error."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result.stdout, result.stderr
