"""Words on the picture, drawn as pixels by us: never a filter's text, so nothing in them can be read as a
command."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..timeline import Clip
from .fonts import choose_font

SAFE = 0.06
"""Share of each side that stays free (SMPTE's safe title area is 5 %)."""
_MOST_CHARACTERS = 500
_SMALLEST = 10
_MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Drawn:
    """`image` RGBA with its top left corner at `x`, `y` of the canvas; `note` a sentence where a font
    lacks letters."""

    image: Image.Image
    x: int
    y: int
    note: str = ""


def draw(clip: Clip, width: int, height: int, *, folders: tuple[Path, ...] | None = None) -> Drawn:
    """Draw the words of a text clip for a canvas of `width` × `height` pixels, inside the safe area.

    Args:
        clip: its `text`, `position`, `size` (share of the canvas height) and `color` count.
        folders: where system fonts are looked for; the platform's where None.
    """
    text = clean(clip.text or "")
    room_w, room_h = round(width * (1 - 2 * SAFE)), round(height * (1 - 2 * SAFE))
    pixels = max(_SMALLEST, round(min(0.5, max(0.02, clip.size)) * height))
    while True:
        chosen = choose_font(text, pixels, folders)
        text, lost = _plainer(text, chosen.missing)
        room = room_w - 2 * _margin(pixels, clip.position)
        lines = wrap(text, chosen.font, room)
        fits = len(lines) * pixels * 1.25 <= room_h and len(lines) <= _MOST_LINES
        wide = max(chosen.font.getlength(line) for line in lines)
        if (fits and wide <= room) or pixels <= _SMALLEST:
            break
        pixels = max(_SMALLEST, int(pixels * 0.9))
    image = _paint(lines, chosen.font, pixels, _rgb(clip.color), clip.position)
    x, y = _place(clip.position, image.size, width, height)
    note = f"No font here has shapes for {lost[:20]!r}; they show as boxes." if lost else ""
    return Drawn(image, x, y, note)


def clean(text: str) -> str:
    """Printable text: control and direction characters out, at most 500 characters, at least one."""
    kept = "".join(
        ch
        for ch in text
        if ch == "\n" or unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Co", "Cn") or ch == "\u200d"
    )
    return re.sub(r"[ \t]+", " ", kept).strip()[:_MOST_CHARACTERS] or " "


def _plainer(text: str, missing: str) -> tuple[str, str]:
    """`text` with letters that no font has replaced by their plain form (é by e); and those that have
    none."""
    plain = {ch: unicodedata.normalize("NFKD", ch)[0] for ch in missing}
    known = {ch: base for ch, base in plain.items() if base.isascii()}
    return "".join(known.get(ch, ch) for ch in text), "".join(ch for ch in missing if ch not in known)


def _margin(pixels: int, position: str) -> int:
    """Room around the letters: for the outline, and for the panel of a lower third."""
    outline = max(1, round(pixels * 0.07))
    return outline * 2 + (round(pixels * 0.35) if position == "lower_third" else 0)


def wrap(text: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Lines that fit into `room` pixels: broken between words, and between any two characters of Chinese
    or Japanese."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in re.findall(
            r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff]+\s*|\s+", paragraph
        ):
            if line and font.getlength((line + piece).rstrip()) > room:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
        lines.append(line.rstrip())
    return [line for line in lines if line] or [" "]


def _paint(
    lines: list[str], font: ImageFont.FreeTypeFont, pixels: int, color: tuple[int, int, int], position: str
) -> Image.Image:
    """Lines with a dark outline and a soft shadow; on a translucent panel for a lower third."""
    outline = max(1, round(pixels * 0.07))
    margin, panel = _margin(pixels, position), position == "lower_third"
    step = round(pixels * 1.25)
    widths = [font.getlength(line) for line in lines]
    size = (round(max(widths)) + 2 * margin, step * len(lines) + 2 * margin)
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    painter = ImageDraw.Draw(image)
    if panel:
        painter.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=round(pixels * 0.2), fill=(0, 0, 0, 130))
    dark = (0, 0, 0) if sum(color) > 200 else (255, 255, 255)
    for i, (line, wide) in enumerate(zip(lines, widths, strict=True)):
        x = margin if panel else (size[0] - wide) / 2
        at = (x, margin + step * i + step / 2)
        shifted = (at[0] + outline / 2, at[1] + outline)
        painter.text(
            shifted, line, font=font, fill=(*dark, 110), anchor="lm", stroke_width=outline, stroke_fill=(*dark, 110)
        )
        painter.text(
            at, line, font=font, fill=(*color, 255), anchor="lm", stroke_width=outline, stroke_fill=(*dark, 255)
        )
    return image


def _place(position: str, size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    x = (width - size[0]) // 2
    top, bottom = round(height * SAFE), round(height * (1 - SAFE)) - size[1]
    if position == "lower_third":
        return round(width * SAFE), min(bottom, round(height * 0.72))
    return x, {"top": top, "bottom": bottom}.get(position, (height - size[1]) // 2)


def _rgb(color: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", color.strip())
    return (int(found[1], 16), int(found[2], 16), int(found[3], 16)) if found else (255, 255, 255)
