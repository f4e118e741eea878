"""``streamlab completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_PROGRAM, _VARIABLE = "streamlab", "_STREAMLAB_COMPLETE"


@click.command(
    epilog="""\b
Examples:
  streamlab completion bash > ~/.local/share/bash-completion/completions/streamlab
  streamlab completion zsh > "${fpath[1]}/_streamlab"
  streamlab completion fish > ~/.config/fish/completions/streamlab.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes streamlab's commands and options in your shell."""
    from streamlab import cli

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"click cannot complete in {shell}")
    click.echo(made(cli.group, {}, _PROGRAM, _VARIABLE).source())
