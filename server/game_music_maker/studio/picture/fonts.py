"""Fonts for words on the picture: the one that comes with Pillow for Latin script, the system's for
everything else.

No font is bundled. A font is taken where it has a shape for every character; where none has, the one with
the fewest gaps is used and the gaps are told.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont
_NAMES = (
    "NotoSansCJK-Bold", "NotoSansCJK-Regular", "NotoSansCJK-VF", "NotoSansCJKsc", "NotoSansSC", "SourceHanSans",
    "msyhbd", "msyh", "PingFang", "Hiragino Sans GB", "STHeiti", "simhei", "YuGothB", "meiryo", "malgunbd",
    "AppleSDGothicNeo", "wqy-microhei", "wqy-zenhei", "DroidSansFallback", "NotoSerifCJK", "NotoSans-Bold",
    "NotoSans-Regular", "DejaVuSans-Bold", "DejaVuSans", "Arial Unicode", "ArialUni", "arialbd", "arial", "segoeuib",
    "seguisym", "NotoSansArabic", "NotoNaskhArabic", "NotoSansHebrew", "NotoSansDevanagari", "NotoSansThai",
    "Nirmala", "leelawui", "FreeSans", "unifont",
)  # fmt: skip
"""Beginnings of file names, the preferred ones first."""
_UNKNOWN = "\U0010ffff"
_BOLD, _MOST_FACES = 700, 16


@dataclass(frozen=True, slots=True)
class Chosen:
    """A font at one size, and the characters that it has no shape for."""

    font: Font
    missing: str


def system_folders() -> tuple[Path, ...]:
    """Where the platform keeps fonts."""
    home = Path("~").expanduser()
    if sys.platform == "win32":
        return (Path("C:/Windows/Fonts"), home / "AppData/Local/Microsoft/Windows/Fonts")
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    return (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts")


@functools.lru_cache(maxsize=4)
def system_fonts(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Font files with a known name in some folders, in order of preference. The folders are read once."""
    files = [
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in (".ttf", ".ttc", ".otf")
    ]
    return tuple(file for name in _NAMES for file in files if file.name.startswith(name))


def choose_font(text: str, size: int, folders: tuple[Path, ...] | None = None) -> Chosen:
    """The best font for `text` at `size` pixels.

    Args:
        folders: where to look besides Pillow's own font; the platform's folders where None.
    """
    own = ImageFont.load_default(size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType")
    best = Chosen(own, missing_characters(own, text))
    if not best.missing:
        return best
    for file in system_fonts(system_folders() if folders is None else folders):
        try:
            font = _opened(file, size, text)
        except OSError:
            continue
        missing = missing_characters(font, text)
        if len(missing) < len(best.missing):
            best = Chosen(font, missing)
        if not missing:
            break
    return best


def _opened(file: Path, size: int, text: str) -> Font:
    """A font file's face for the script of `text`, bold where its weight can be chosen.

    Raises:
        OSError: it is no font.
    """
    font = ImageFont.truetype(str(file), size)
    if (font.getname()[0] or "").endswith("CJK JP"):
        # A collection: the same characters in the shapes of each country, under names that end in its code.
        country = _country(text)
        for index in range(1, _MOST_FACES):
            try:
                face = ImageFont.truetype(str(file), size, index=index)
            except OSError:
                break
            if (face.getname()[0] or "").endswith(country):
                font = face
                break
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font
    if len(axes) == 1 and (axes[0]["minimum"] or 0) <= _BOLD <= (axes[0]["maximum"] or 0):
        font.set_variation_by_axes([_BOLD])
    return font


def _country(text: str) -> str:
    """Which country's shapes of Chinese characters a text wants: Japan's beside kana, Korea's beside hangul."""
    if any("\u3040" <= ch <= "\u30ff" for ch in text):
        return "JP"
    return "KR" if any("\uac00" <= ch <= "\ud7af" for ch in text) else "SC"


def missing_characters(font: Font, text: str) -> str:
    """Characters of `text` for which the font draws its sign for "unknown"."""
    unknown = _shape(font, _UNKNOWN)
    found = dict.fromkeys(text)
    plain = (ch for ch in found if not ch.isspace() and unicodedata.category(ch) not in ("Cf", "Mn"))
    return "".join(ch for ch in plain if _shape(font, ch) == unknown)


def _shape(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
