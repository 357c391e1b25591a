"""Words as pixels: in any script, inside the safe area, with a note where no font has the letters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from game_music_maker.studio.picture.fonts import choose_font, missing_characters
from game_music_maker.studio.picture.titles import SAFE, clean, draw, wrap
from game_music_maker.studio.timeline import Clip

NONE: tuple[Path, ...] = ()


@pytest.mark.parametrize("position", ["top", "center", "bottom", "lower_third"])
@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (320, 180)])
@pytest.mark.parametrize(
    "text", ["Level 1", "A very long title that does not fit into one line of any small canvas at all " * 3]
)
def test_words_stay_inside_the_safe_area(position: str, size: tuple[int, int], text: str) -> None:
    width, height = size
    drawn = draw(Clip(text=text, position=position, size=0.12), width, height, folders=NONE)  # type: ignore[arg-type]
    left, top, right, bottom = drawn.image.getbbox() or (0, 0, 0, 0)
    slack = 2
    assert drawn.x + left >= round(width * SAFE) - slack
    assert drawn.x + right <= round(width * (1 - SAFE)) + slack
    assert drawn.y + top >= round(height * SAFE) - slack
    assert drawn.y + bottom <= round(height * (1 - SAFE)) + slack
    assert right - left > 20


def test_position_size_and_color_count() -> None:
    top = draw(Clip(text="Boss", position="top", size=0.1, color="#ff0000"), 640, 360, folders=NONE)
    low = draw(Clip(text="Boss", position="bottom", size=0.2, color="#ff0000"), 640, 360, folders=NONE)
    assert top.y < 60 < 200 < low.y
    assert low.image.width > 1.7 * top.image.width
    pixels = np.asarray(top.image)
    red = (pixels[..., 0] > 240) & (pixels[..., 1] < 10) & (pixels[..., 3] == 255)
    dark = (pixels[..., :3].max(axis=-1) < 10) & (pixels[..., 3] == 255)
    assert red.sum() > 100
    assert dark.sum() > 100


def test_letters_without_a_font_are_told() -> None:
    drawn = draw(Clip(text="Level 第一关"), 640, 360, folders=NONE)
    assert "第一关" in drawn.note
    assert draw(Clip(text="Level 1, café"), 640, 360, folders=NONE).note == ""


def test_a_font_of_the_system_is_found_by_what_it_can_draw(tmp_path: Path) -> None:
    own = ImageFont.load_default(20)
    assert isinstance(own, ImageFont.FreeTypeFont)
    assert missing_characters(own, "ABC 第") == "第"
    (tmp_path / "DejaVuSans.ttf").write_bytes(b"not a font")
    assert choose_font("第", 20, (tmp_path,)).missing == "第"


def test_control_and_direction_characters_are_dropped() -> None:
    assert clean("a\u202eb\x1b[31mc\u200b\x00 \t d\U000e0041") == "ab[31mc d"
    assert clean("\x00") == " "
    assert len(clean("x" * 9000)) == 500


def test_chinese_breaks_between_characters_and_english_between_words() -> None:
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    lines = wrap("one two three four five six", font, 100)
    assert " ".join(lines) == "one two three four five six"
    assert len(lines) > 1
    assert "".join(wrap("第一关地下城探险开始了", font, 60)) == "第一关地下城探险开始了"
    assert len(wrap("第一关地下城探险开始了", font, 60)) > 1


def test_the_same_words_give_the_same_pixels() -> None:
    one, two = (draw(Clip(text="Again"), 640, 360, folders=NONE).image for _ in range(2))
    assert isinstance(one, Image.Image)
    assert one.tobytes() == two.tobytes()
