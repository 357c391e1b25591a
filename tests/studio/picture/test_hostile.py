"""Broken and hostile media: each is answered by one clear sentence, or read for what it is, in little memory."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from game_music_maker.studio.picture import packets
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.timeline import Clip

FTYP = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
DAMAGED = "damaged|cut off|ends before|holds neither"

_PROBE = """
import json, pathlib, resource, sys
from game_music_maker.errors import UnsupportedMedia
from game_music_maker.studio.picture.probe import probe
for path in sys.argv[1:]:
    try:
        found = probe(path).model_dump(mode="json")
    except UnsupportedMedia as error:
        found = {"error": error.message, "next": error.next}
    # not getrusage for this process: at its start that holds what the process was that made it
    own = int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    peak = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(json.dumps({**found, "peak_mb": peak // 1024}))
"""


def _put(name: str, content: bytes) -> Callable[[Any, Any, Path], Path]:
    def make(media: Any, ffmpeg: Any, folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def _edited(name: str, box: bytes, at: int, form: str, *values: int) -> Callable[[Any, Any, Path], Path]:
    """The first `box` of a plain clip with other numbers at `at` bytes behind its name."""

    def make(media: Any, ffmpeg: Any, folder: Path) -> Path:
        data = bytearray(media.clip(["test"], 1).read_bytes())
        struct.pack_into(form, data, data.index(box) + 4 + at, *values)
        return _put(name, bytes(data))(media, ffmpeg, folder)

    return make


def _cut_off(media: Any, ffmpeg: Any, folder: Path) -> Path:
    data = media.clip(["test"], 1).read_bytes()
    return _put("cut.mp4", data[: len(data) // 2])(media, ffmpeg, folder)


def _picture(name: str, size: tuple[int, int]) -> Callable[[Any, Any, Path], Path]:
    """A GIF or JPEG whose head claims `size`."""
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, name.rsplit(".", 1)[1].upper().replace("JPG", "JPEG"))
    data = bytearray(out.getvalue())
    if name.endswith("gif"):
        struct.pack_into("<HH", data, 6, *size)
    else:
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, *size)
    return _put(name, bytes(data))


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(4096))) + chunk(b"IEND", b"")
    )


def _streams(suffix: str) -> Callable[[Any, Any, Path], Path]:
    def make(media: Any, ffmpeg: Any, folder: Path) -> Path:
        tone = media.derived(media.clip(["black"], 1, sound="odd"), "-vn", "-c:a", "aac", suffix="m4a")
        out: Path = folder / f"streams.{suffix}"
        ffmpeg("-i", tone, *["-map", "0:a"] * 200, "-c", "copy", out)
        return out

    return make


def _silence(media: Any, ffmpeg: Any, folder: Path) -> Path:
    """Five hours of it, as a file with a hole."""
    size = 5 * 3600 * 8000
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    path = folder / "silence.wav"
    with path.open("wb") as file:
        file.write(head + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    return path


def _ten_days_mkv(media: Any, ffmpeg: Any, folder: Path) -> Path:
    data = bytearray(media.derived(media.clip(["test"], 1), "-c", "copy", suffix="mkv").read_bytes())
    struct.pack_into(">d", data, data.index(b"\x44\x89\x88") + 3, 864e6)
    return _put("days.mkv", bytes(data))(media, ffmpeg, folder)


def _webp(media: Any, ffmpeg: Any, folder: Path) -> Path:
    out = io.BytesIO()
    first, *others = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in (0, 80, 160, 240)]
    first.save(out, "WEBP", save_all=True, append_images=others, duration=500)
    return _put("moving.webp", out.getvalue())(media, ffmpeg, folder)


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>"
CASES: dict[str, tuple[Callable[[Any, Any, Path], Path], str]] = {
    "cut off": (_cut_off, "cut off"),
    "picture without frames": (_edited("none.mp4", b"stsz", 8, ">I", 0), "only its sound"),
    "frames beyond the file": (_edited("far.mp4", b"stco", 8, ">I", 0x7FFFFFFF), "only its sound|" + DAMAGED),
    "giant frames": (_edited("giant.mp4", b"stsz", 12, ">4I", *[0x7FFFFFFF] * 4), "."),
    "countless frames": (_edited("count.mp4", b"stsz", 8, ">I", 0xFFFFFFF0), DAMAGED),
    "boxes in boxes": (_put("deep.mp4", FTYP + b"\0\0\1\0moov" * 20_000), DAMAGED),
    "five hours of silence": (_silence, "5 hours long"),
    "16k GIF": (_picture("huge.gif", (16_384, 16_384)), "16384×16384"),
    "16k JPEG": (_picture("huge.jpg", (16_384, 16_384)), "16384×16384"),
    "16k PNG": (_put("huge.png", _png(16_384, 16_384)), "16384×16384"),
    "200 streams in MP4": (_streams("mp4"), "64 streams"),
    "200 streams in Matroska": (_streams("mkv"), "64 streams"),
    "HLS playlist": (_put("hls.mp4", b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n"), "text"),
    "DASH playlist": (_put("dash.mp4", b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>'), "text"),
    "concat script": (_put("concat.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n"), "text"),
    "session description": (_put("sdp.mp4", b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n"), "text"),
    "SVG": (_put("drawing.svg", SVG), "text"),
    "SVG called PNG": (_put("drawing.png", SVG), "text"),
    "tag of megabytes": (_put("tag.mp3", b"ID3\x04\0\0\x01\x7f\x7f\x7f" + bytes(5_000_000)), DAMAGED),
    "Ogg without pages": (_put("empty.ogg", b"OggS" + bytes(5000)), DAMAGED),
    "FLAC without a head": (_put("empty.flac", b"fLaC" + bytes(5000)), DAMAGED),
    "endless EBML": (_put("endless.webm", b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + bytes(100_000)), DAMAGED),
}
READ: dict[str, tuple[Callable[[Any, Any, Path], Path], float]] = {
    "head says ten days": (_ten_days_mkv, 1.0),
    "movie head says years": (_edited("years.mp4", b"mvhd", 16, ">I", 0x7FFFFFFF), 1.0),
    "moving WebP": (_webp, 2.0),
}


@pytest.fixture(scope="module")
def answers(media: Any, ffmpeg: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What a process of its own says of each file."""
    folder = tmp_path_factory.mktemp("hostile")
    files = {name: make(media, ffmpeg, folder) for name, (make, _) in {**CASES, **READ}.items()}
    command = [sys.executable, "-c", _PROBE, *map(str, files.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(zip(files, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", list(CASES))
def test_what_cannot_be_used_is_answered_by_a_sentence(answers: dict[str, dict[str, Any]], name: str) -> None:
    said = answers[name].get("error") or pytest.fail(f"it was read as {answers[name]}")
    assert re.search(CASES[name][1], said), said
    assert said.endswith(".")
    assert "\n" not in said
    assert "/" not in said
    assert answers[name]["next"]


@pytest.mark.parametrize("name", list(READ))
def test_what_lies_about_its_length_is_read_for_what_it_is(answers: dict[str, dict[str, Any]], name: str) -> None:
    assert answers[name].get("duration_s") == pytest.approx(READ[name][1], abs=0.1), answers[name]
    assert answers[name]["kind"] == "video"


def test_nothing_of_it_takes_much_memory(answers: dict[str, dict[str, Any]]) -> None:
    assert {name: found["peak_mb"] for name, found in answers.items() if found["peak_mb"] > 150} == {}


def test_subtitles_and_attachments_with_odd_names_stay_behind(
    media: Any, make: Any, ffmpeg: Any, tmp_path: Path
) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:02,000\n../../etc {\\an8}<b>x</b>\n")
    odd = tmp_path / "odd.mkv"
    name = "filename=../../../../etc/cron.d/evil\u202egpj.\x1b[31m"
    ffmpeg(
        "-i", media.clip(["test"], 2), "-i", words, "-map", "0", "-map", "1", "-c", "copy", "-c:s", "srt",
        "-attach", words, "-metadata:s:t", "mimetype=application/x-truetype-font", "-metadata:s:t", name, odd,
    )  # fmt: skip
    found = probe(odd)
    assert (found.kind, found.duration_s) == ("video", pytest.approx(2, abs=0.1))
    done = make({"c": odd}, video=[Clip(asset="c", duration_ms=found.duration_s * 1000)])
    assert [s.media for s in packets.read(done.path)[0]] == ["video", "audio"]
    data = Path(done.path).read_bytes()
    assert b"evil" not in data
    assert b"etc" not in data
    ffmpeg("-xerror", "-i", done.path, "-f", "null", "-")


def test_a_moving_webp_moves(media: Any, make: Any, ffmpeg: Any, tmp_path: Path) -> None:
    clip = _webp(media, ffmpeg, tmp_path)
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=2000)], width=128, height=96)
    assert done.duration_s == pytest.approx(2, abs=0.1)
    shades = []
    for at in (0.0, 0.5, 1.0, 1.5):
        out = tmp_path / "shot.png"
        ffmpeg("-ss", f"{at}", "-i", done.path, "-frames:v", "1", out)
        pixel = Image.open(out).convert("RGB").getpixel((64, 48))
        assert isinstance(pixel, tuple)
        shades.append(pixel[0])
    assert shades == pytest.approx([0, 80, 160, 240], abs=8)
