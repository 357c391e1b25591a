"""``doctor``: what works here, what does not, and how to mend it.

It changes nothing, and asks no other host unless ``--cloud`` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ..errors import SettingError
from ..project.paths import folder_fault
from ..settings import Settings
from .output import Output

Status = Literal["ok", "warning", "failed"]
_MARKS: dict[Status, str] = {"ok": "ok  ", "warning": "note", "failed": "FAIL"}
_LOW_BYTES, _ROOMY_BYTES = 500 * 10**6, 3 * 10**9
_CHILD_S = 60


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the answer: `found` says what is there, `remedy` what to do where it is not well."""

    name: str
    status: Status
    found: str
    remedy: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cloud", action="store_true", help="also see whether the NemoVideo cloud can be reached")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 where nothing failed, else 1. Notes are no failures."""
    output = Output(as_json=args.json, quiet=args.quiet)
    checks = []
    for check in examine(cloud=args.cloud):
        checks.append(check)
        output.progress(min(0.95, len(checks) / 12), check.name)
    failed = [check for check in checks if check.status == "failed"]
    message = "Everything that was looked at works."
    if failed:
        message = f"Not working: {', '.join(check.name for check in failed)}."
    step = failed[0].remedy if failed else "Try `game-music-maker demo`."
    data = {"message": message, "next": step, "ok": not failed, "checks": [asdict(check) for check in checks]}
    output.answer(data, [*map(_line, checks), "", message])
    return 1 if failed else 0


def _line(check: Check) -> str:
    line = f"{_MARKS[check.status]}  {check.name:<10} {check.found}"
    return line if check.remedy is None else f"{line}\n{' ' * 17}→ {check.remedy}"


def examine(*, cloud: bool) -> Iterator[Check]:
    """Every check, cheap ones first."""
    yield _python()
    yield _command()
    try:
        settings = Settings.load()
    except SettingError as error:
        yield Check("settings", "failed", error.message, error.next)
        return
    yield _backend(settings)
    yield _folder("home", settings.home, "GAME_MUSIC_MAKER_HOME")
    yield _folder("exports", settings.output_dir, "GAME_MUSIC_MAKER_OUTPUT_DIR")
    yield _disk(settings.home)
    yield _ports()
    yield from _working_side(settings.soundfont)
    yield _studio()
    if cloud:
        yield _cloud(settings.api_url)


def _python() -> Check:
    words = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", "ok", f"{words}, {sys.executable}.")


def _command() -> Check:
    found = shutil.which("game-music-maker") or shutil.which(str(Path(sys.argv[0]).resolve()))
    if found is None:
        advice = "Hosts need its absolute path, or `uvx game-music-maker serve`; the README shows both."
        return Check("command", "warning", "game-music-maker is not on the PATH.", advice)
    return Check("command", "ok", f"{found} (the path for hosts that do not see your PATH).")


def _backend(settings: Settings) -> Check:
    cloud = settings.backend == "cloud" or (
        settings.backend == "auto" and (settings.nemo_token is not None or settings.api_url_given)
    )
    if not cloud:
        return Check("backend", "ok", "local: nothing leaves this machine.")
    token = "with NEMO_TOKEN" if settings.nemo_token else "with an anonymous token"
    return Check("backend", "ok", f"cloud, {token}: clips and messages go to {settings.api_url}.")


def _folder(name: str, folder: Path, variable: str) -> Check:
    """Whether `folder`, or the nearest one above it that exists, takes a file."""
    fault = folder_fault(folder)
    if fault is not None:
        why = fault.strerror or type(fault).__name__
        return Check(name, "failed", f"{folder} cannot be written: {why}.", f"Make it writable, or set {variable}.")
    return Check(name, "ok", f"{folder} {'is' if folder.exists() else 'can be made and is'} writable.")


def _disk(folder: Path) -> Check:
    standing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(standing).free
    words = f"{free / 1e9:.1f} GB free for {folder}."
    if free < _LOW_BYTES:
        return Check("disk", "failed", words, "Free some space, or set GAME_MUSIC_MAKER_HOME to a roomier disk.")
    if free < _ROOMY_BYTES:
        return Check("disk", "warning", words, "Long clips need room for a copy and the result.")
    return Check("disk", "ok", words)


def _ports() -> Check:
    """Whether a program here may listen on loopback and be reached there."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = listening.getsockname()
            with socket.create_connection(address, timeout=5):
                pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        remedy = "Allow Python to listen on 127.0.0.1 in the firewall or sandbox."
        return Check("ports", "failed", f"Loopback ports cannot be used: {why}.", remedy)
    return Check("ports", "ok", "Loopback ports can be opened.")


REMEDIES: dict[str, tuple[Status, str]] = {
    "bank": ("failed", "Install the package again, or unset GAME_MUSIC_MAKER_SOUNDFONT."),
    "encoder": ("failed", "Install the package again: `pip install --force-reinstall imageio-ffmpeg`."),
    "fonts": ("warning", "Install a CJK font, for example Noto Sans CJK, if you want such titles."),
}
"""Part of the studio's checkup → what a miss means, and its remedy."""


def _working_side(soundfont: Path | None) -> Iterator[Check]:
    command = [
        sys.executable,
        "-m",
        "game_music_maker.studio.checkup",
        *([str(soundfont)] if soundfont else []),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CHILD_S, stdin=subprocess.DEVNULL)
        parts = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        words = "The instruments, the encoder and the fonts could not be looked at."
        yield Check("packages", "failed", words, "Install the package again in a fresh virtual environment.")
        return
    for name, (status, remedy) in REMEDIES.items():
        part = parts[name]
        yield Check(name, "ok" if part["ok"] else status, part["found"], None if part["ok"] else remedy)


def _studio() -> Check:
    """Start the studio as a server does, read its ready line, and let it end with its input."""
    with tempfile.TemporaryDirectory(prefix="game-music-maker-") as home:
        command = [sys.executable, "-m", "game_music_maker.studio", "--home", home]
        try:
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as child:
                ready = _within(_CHILD_S, child)
        except OSError as error:
            return Check("studio", "failed", f"The studio does not start: {error}.", _AGAIN)
    if ready:
        return Check("studio", "ok", "The local studio starts and answers.")
    return Check("studio", "failed", "The local studio does not start.", _AGAIN)


_AGAIN = "Run `python -m game_music_maker.studio` to see why, or install the package again."


def _within(seconds: float, child: subprocess.Popen[bytes]) -> bool:
    """Whether the ready line came and the port it names answers, in that time. Ends the child."""
    assert child.stdin is not None
    assert child.stdout is not None
    limit = threading.Timer(seconds, child.kill)
    limit.start()
    try:
        url = json.loads(child.stdout.readline())["url"]
        port = int(url.rpartition(":")[2].strip("/"))
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
    finally:
        with contextlib.suppress(OSError):
            child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=10)
        child.kill()
        limit.cancel()


def _cloud(address: str) -> Check:
    """Any HTTP answer will do; nothing about the user goes along."""
    import httpx

    remedy = 'Check the network or proxy; backend="local" needs none.'
    try:
        status = httpx.get(address, timeout=15, follow_redirects=False).status_code
    except httpx.HTTPError as error:
        return Check("cloud", "failed", f"{address} cannot be reached ({type(error).__name__}).", remedy)
    return Check("cloud", "ok", f"{address} answers (HTTP {status}).")
