"""What the studio's working side has here: instruments, encoder, fonts. Run as a process of its own.

``python -m game_music_maker.studio.checkup [SOUNDFONT]`` writes one JSON object to stdout:
``{"bank": Part, "encoder": Part, "fonts": Part}``, each Part ``{"ok": bool, "found": str}``, a sentence.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import MusicMakerError

_TEXT_SAMPLE = "Level 1 第一关 レベル 레벨"
_ENCODERS = ("libx264", "aac", "libvpx-vp9", "libopus", "gif", "flac", "libmp3lame", "libvorbis")
_NEEDED = ("libx264", "aac")


def bank(soundfont: Path | None) -> tuple[bool, str]:
    """Open the bank and decode one note of the grand piano. Raises: NotFound, InvalidArgument."""
    from .sound.bank import Bank

    opened = Bank.open(soundfont)
    heard = [zone for zone in opened.zones(0, 0) if zone.answers(60, 90)]
    if not heard or not len(opened.sample(heard[0].sample)):
        return False, f"{opened.name} opens, but its piano plays nothing."
    return True, f"{opened.name}, SHA-256 {opened.sha256[:12]}…, plays."


def encoder(_: Path | None) -> tuple[bool, str]:
    """Encode a few frames for real, and see which encoders there are. Raises: RenderFailed."""
    from .picture import ffmpeg

    version = ffmpeg.run(["-version"], timeout_s=30, saying="FFmpeg does not start").stdout
    first = version.decode("utf-8", "replace").splitlines()[0].split(" Copyright")[0]
    listed = ffmpeg.run(["-encoders"], timeout_s=30, saying="FFmpeg does not start").stdout.decode()
    missing = [name for name in _ENCODERS if f" {name} " not in listed]
    if any(name in missing for name in _NEEDED):
        return False, f"{first} lacks {', '.join(missing)}."
    sizes = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x64", "-i", "pipe:0"]
    args = [*sizes, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "matroska", "pipe:1"]
    with ffmpeg.Process(args, timeout_s=30, feed=True) as process:
        assert process.stdin is not None
        process.stdin.write(bytes(64 * 64 * 3))
        process.stdin.close()
        made = len(process.stdout.read())
        process.finish(MusicMakerError, "FFmpeg does not encode")
    words = f"{first} encodes" + (f", without {', '.join(missing)}." if missing else " every format.")
    return made > 0, words


def fonts(_: Path | None) -> tuple[bool, str]:
    """Whether titles can be drawn, in Chinese, Japanese and Korean too."""
    from .picture.fonts import choose_font

    chosen = choose_font(_TEXT_SAMPLE, 32)
    if not chosen.missing:
        return True, f"{chosen.font.getname()[0]} draws Latin, Chinese, Japanese and Korean titles."
    return False, f"No font here draws {' '.join(chosen.missing)}; titles in other scripts work."


PARTS: tuple[tuple[str, Callable[[Path | None], tuple[bool, str]]], ...] = (
    ("bank", bank),
    ("encoder", encoder),
    ("fonts", fonts),
)


def main(argv: list[str]) -> int:
    """Look at every part; one that raises is not ok, with its sentence."""
    soundfont = Path(argv[0]) if argv else None
    found = {}
    for name, look in PARTS:
        try:
            ok, words = look(soundfont)
        except MusicMakerError as error:
            ok, words = False, error.message
        except Exception as error:  # whatever is broken here, the other parts are still looked at
            ok, words = False, f"{type(error).__name__}: {error}"
        found[name] = {"ok": ok, "found": words}
    sys.stdout.write(json.dumps(found, ensure_ascii=True) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
