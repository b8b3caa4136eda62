"""`meshlint completion SHELL`: what a shell needs to complete commands, options, rules and files."""

from __future__ import annotations

from argparse import Action, ArgumentParser, _SubParsersAction
from typing import Any

from meshlint.arguments import FORMATS, new_parser
from meshlint.check.registry import bundled

_RULES = ("select", "extend_select", "ignore")
_FILES = ("paths", "config", "baseline", "write_baseline", "output_file", "stdin_filename", "config_file")
_FOLDERS = ("cache_dir", "context", "rules_dir")


class NoLibraryError(Exception):
    """The package that writes the scripts is not installed."""


def script(shell: str) -> str:
    """The completion script of a shell: bash, zsh or fish."""
    try:
        import shtab
    except ImportError:
        raise NoLibraryError("completion scripts are written by shtab: pip install 'meshlint[completion]'") from None
    top = new_parser()
    (commands,) = (action for action in top._actions if isinstance(action, _SubParsersAction))
    for command in commands.choices.values():
        for action in command._actions:
            _complete(action, shtab.FILE, shtab.DIRECTORY)
    _without_command(top, commands.choices["check"])
    return str(shtab.complete(top, shell))


def _without_command(top: ArgumentParser, check: ArgumentParser) -> None:
    """`check` is the command where none is named: its options complete there, too."""
    taken = {option for action in top._actions for option in action.option_strings}
    for action in check._actions:
        if action.option_strings and not taken.intersection(action.option_strings):
            top._add_action(action)


def _complete(action: Action, file: Any, folder: Any) -> None:
    if action.dest in _RULES or action.dest == "names":
        action.choices = sorted(bundled().words())
    elif action.dest == "output_format":
        action.choices = action.choices or list(FORMATS)
    elif action.dest in _FILES or action.dest in _FOLDERS:
        action.complete = file if action.dest in _FILES else folder  # type: ignore[attr-defined]
