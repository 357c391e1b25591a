"""``game-music-maker``: the command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command and give its exit status."""
    from .cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
