"""What a command writes: the answer on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from ..errors import MusicMakerError

_BAR = 28


class Output:
    """Where a command's words go. Colours and the progress bar only on a terminal."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._live = sys.stderr.isatty() and not quiet and not as_json
        self._colour = sys.stdout.isatty() and os.name != "nt"
        self._drawn = 0
        self._part = (0.0, 1.0)
        self._began = time.monotonic()

    def answer(self, data: dict[str, Any], lines: list[str]) -> None:
        """The structured answer with ``--json``, else `lines` for a person."""
        self.clear()
        if self.as_json:
            self._json(data)
        else:
            self._write("".join(f"{line}\n" for line in lines if line))

    def strong(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text

    def fail(self, error: MusicMakerError) -> None:
        """One line on stderr; the structure on stdout with ``--json``."""
        self.clear()
        if self.as_json:
            self._json({"message": error.message, "next": error.next, "error": error.to_dict()})
        words = " ".join(f"{error.message} {error.next} {error.link or ''}".split())
        sys.stderr.write(f"error: {words}\n")

    def interrupted(self) -> None:
        self.clear()
        sys.stderr.write("Interrupted.\n")

    def part(self, low: float, high: float) -> None:
        """What `progress` counts from now on lies between these shares of the bar."""
        self._part = (low, high)

    def progress(self, fraction: float | None, stage: str) -> None:
        """Draw the bar with the stage and the time left; nothing off a terminal."""
        if not self._live:
            return
        low, high = self._part
        share = low + (high - low) * min(1.0, max(0.0, fraction or 0.0))
        spent = time.monotonic() - self._began
        left = f"about {spent / share - spent:.0f} s left" if share > 0.15 else ""
        bar = "█" * round(_BAR * share) + "░" * (_BAR - round(_BAR * share))
        line = f"{bar} {share * 100:3.0f}%  {stage}  {left}"[:110]
        sys.stderr.write("\r" + line.ljust(self._drawn))
        sys.stderr.flush()
        self._drawn = len(line)

    def clear(self) -> None:
        """Wipe the bar."""
        if self._drawn:
            sys.stderr.write("\r" + " " * self._drawn + "\r")
            sys.stderr.flush()
            self._drawn = 0

    @classmethod
    def _json(cls, data: dict[str, Any]) -> None:
        """One line. Where stdout is not UTF-8 (a pipe on Windows), other letters are escaped, so that none is lost."""
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
        cls._write(json.dumps(data, ensure_ascii=not utf8) + "\n")

    @staticmethod
    def _write(text: str) -> None:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
