"""``streamlab completion``: the script is the shell's, and what it calls knows the commands."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("shell", "sign"),
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef streamlab"), ("fish", "complete --no-files")],
)
def test_prints_the_script_of_the_shell(run, shell, sign):
    ran = run("completion", shell)
    assert ran.code == 0
    assert sign in ran.out
    assert "_STREAMLAB_COMPLETE" in ran.out


def test_an_unknown_shell_is_a_complaint(run):
    assert run("completion", "tcsh").code == 2


def test_what_the_script_calls_completes_commands_and_options():
    def complete(*words: str) -> str:
        asked = {
            "_STREAMLAB_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-m", "streamlab"],
            env={**os.environ, **asked},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    assert "plain,completion" in complete("streamlab", "comp")
    assert "plain,--fail-on" in complete("streamlab", "check", "--fa")
