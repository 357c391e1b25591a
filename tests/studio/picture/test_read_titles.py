"""Titles are read by text recognition, as a viewer reads them: in their span and in no other frame, in English and in
Chinese. Needs ``game-music-maker[ocr]``."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from game_music_maker.studio.picture.fonts import choose_font
from game_music_maker.studio.picture.titles import SAFE
from game_music_maker.studio.timeline import Clip

_MISSING = [n for n in ("rapidocr", "onnxruntime", "manimgx_fonts_cjk") if importlib.util.find_spec(n) is None]
pytestmark = pytest.mark.skipif(bool(_MISSING), reason="text recognition: pip install 'game-music-maker[ocr]'")

ENGLISH, CHINESE = "Level 7 Crystal Caves", "第七关 水晶洞穴"
SPANS = {ENGLISH: (1.0, 2.0), CHINESE: (2.5, 3.5)}
LAYOUT = {
    ENGLISH: Clip(start_ms=1000, duration_ms=1000, text=ENGLISH, position="top", size=0.09),
    CHINESE: Clip(start_ms=2500, duration_ms=1000, text=CHINESE, position="lower_third", size=0.09, color="#ffe060"),
}
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "h264-spliced": ({"video": ("-c:v", "libx264", "-preset", "veryfast", "-g", "30", "-pix_fmt", "yuv420p")}, {}),
    "hevc-spliced": (
        {"video": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=30:log-level=none")},
        {},
    ),
    "cropped": ({}, {"width": 360, "height": 640, "fit": "crop"}),
    "webm": ({}, {"format": "webm"}),
}


@pytest.fixture(scope="module")
def read() -> Callable[[Path], dict[str, tuple[float, float, float, float]]]:
    """Reads one picture: each text without spaces and its box as shares of the picture."""
    from rapidocr import RapidOCR

    small = {"Global.use_cls": False, "Det.limit_type": "max", "Det.limit_side_len": 640}
    engine = RapidOCR(params={"Global.log_level": "error", **small})

    def go(picture: Path) -> dict[str, tuple[float, float, float, float]]:
        pixels = np.asarray(Image.open(picture).convert("RGB"))
        height, width = pixels.shape[:2]
        found = engine(np.ascontiguousarray(pixels[..., ::-1]))
        texts: dict[str, tuple[float, float, float, float]] = {}
        for text, box in zip(found.txts or (), found.boxes if found.boxes is not None else (), strict=True):
            (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
            texts[re.sub(r"\s", "", text)] = (left / width, top / height, right / width, bottom / height)
        return texts

    return go


@pytest.fixture
def chinese_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's font folder with Noto Sans CJK in it."""
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    assert spec is not None
    assert spec.origin is not None
    (font,) = Path(spec.origin).parent.glob("*.ttc")
    folder = tmp_path / "home" / ".local" / "share" / "fonts"
    folder.mkdir(parents=True)
    (folder / font.name).symlink_to(font)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.mark.parametrize("way", list(WAYS))
def test_titles_are_read_in_their_span_only(
    media: Any, make: Any, ffmpeg: Any, read: Any, chinese_font: Path, tmp_path: Path, way: str
) -> None:
    source, output = WAYS[way]
    clip = media.clip(["pan", "cave"], 2.0, size=(640, 360), sound=None, **source)
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=4000)], text=list(LAYOUT.values()), **output)
    assert ("frames were copied" in done.notes[0]) == way.endswith("spliced")
    frame = 1 / 30
    for text, (start, end) in SPANS.items():
        wanted = text.replace(" ", "")
        seen = {at: _texts(ffmpeg, read, done.path, at, tmp_path) for at in (start - frame, start, end - frame, end)}
        for at, texts in seen.items():
            whole = "".join(texts)
            if start <= at < end - frame / 2:
                assert wanted in whole, f"{text} at {at:.3f} s: {list(texts)}"
                _inside(texts)
            else:
                assert not set(wanted[:4]) & set(whole), f"{text} at {at:.3f} s: {list(texts)}"


def _texts(ffmpeg: Any, read: Any, path: str, at: float, folder: Path) -> dict[str, tuple[float, float, float, float]]:
    out = folder / "frame.png"
    number = round(at * 30)
    ffmpeg("-i", path, "-vf", f"select='eq(n,{number})'", "-frames:v", "1", "-update", "1", out)
    found: dict[str, tuple[float, float, float, float]] = read(out)
    return found


def _inside(texts: dict[str, tuple[float, float, float, float]]) -> None:
    for left, top, right, bottom in texts.values():
        assert min(left, top) > SAFE - 0.02
        assert max(right, bottom) < 1 - SAFE + 0.02


def test_a_font_with_all_weights_is_drawn_bold_in_the_shapes_of_the_country(chinese_font: Path) -> None:
    chosen = choose_font(CHINESE, 40, (chinese_font,))
    assert not chosen.missing
    assert chosen.font.getname()[0] == "Noto Sans CJK SC"
    assert choose_font("第七ステージ", 40, (chinese_font,)).font.getname()[0] == "Noto Sans CJK JP"
    thin = type(chosen.font)(str(next(chinese_font.iterdir())), 40, index=2)
    assert np.asarray(chosen.font.getmask("关")).sum() > 1.5 * np.asarray(thin.getmask("关")).sum()
