"""The table of commands, and what is common to all: usage, errors in one line, exit status.

Exit status: 0 done · 1 failed · 2 wrong usage · 3 still running · 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import InvalidArgument, MusicMakerError
from .output import Output

DONE, FAILED, USAGE, RUNNING, INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS: dict[str, tuple[str, str]] = {
    "score": ("score", "music for a clip in one go: upload, message, export"),
    "demo": ("demo", "the same on footage that it makes itself, for a first look"),
    "batch": ("batch", "many clips from a YAML, JSONL or CSV file"),
    "serve": ("serve", "the MCP server (stdio, or Streamable HTTP)"),
    "studio": ("studio", "the studio alone, with its web page"),
    "connect": ("tool_commands", "open or make a project"),
    "send": ("tool_commands", "say in words what the music or the picture should become"),
    "upload": ("tool_commands", "add files to the timeline"),
    "credits": ("tool_commands", "what is left to spend"),
    "state": ("tool_commands", "the timeline, its tracks and jobs"),
    "export": ("tool_commands", "render the timeline to a file"),
    "cancel": ("tool_commands", "end a running turn or export"),
    "doctor": ("doctor", "what works here, what does not, and how to mend it"),
}
"""Command → module of this package (``add_arguments(parser)``, ``run(args) -> int``) and one line of help."""


class Parser(argparse.ArgumentParser):
    """Usage errors in one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"error: {message}. See `{self.prog} --help`.\n")
        raise SystemExit(USAGE)


def build(name: str | None = None) -> Parser:
    """The parser. Only the command `name` gets its arguments (its module is loaded for that); all where
    `name` is ``*``."""
    parser = Parser(
        prog="game-music-maker",
        description="Turn game footage and one sentence into a scored video, on this machine.",
        epilog="Begin with `game-music-maker demo`. Each command has its own --help.",
    )
    parser.add_argument("--version", action="store_true", help="show the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command, (module, words) in COMMANDS.items():
        sub = commands.add_parser(command, help=words, description=words[0].upper() + words[1:] + ".")
        sub.set_defaults(command_module=module)
        if name in (command, "*"):
            load(module).add_arguments(sub)
            sub.add_argument("--json", action="store_true", help="the structured answer on stdout, nothing else")
            sub.add_argument("--quiet", action="store_true", help="no progress and no closing words")
    return parser


def load(module: str):  # type: ignore[no-untyped-def]
    """A command's module."""
    return importlib.import_module(f".{module}", __package__)


def run(argv: Sequence[str]) -> int:
    """Run one command; every failure is one line on stderr."""
    name = next((word for word in argv if not word.startswith("-")), None)
    parser = build(name)
    args = parser.parse_args(argv)
    if args.version:
        from ..skill import version

        sys.stdout.write(f"game-music-maker {version()}\n")
        return DONE
    if args.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    output = Output(as_json=args.json, quiet=args.quiet)
    try:
        return int(load(args.command_module).run(args))
    except MusicMakerError as error:
        output.fail(error)
        return USAGE if isinstance(error, InvalidArgument) else FAILED
    except KeyboardInterrupt:
        output.interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
