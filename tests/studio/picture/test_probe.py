"""What a file is: right answers for odd ones, one clear sentence for those that cannot be used."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from game_music_maker.errors import FileTooLarge, NotFound, UnsupportedMedia
from game_music_maker.studio.picture.packets import parse
from game_music_maker.studio.picture.probe import probe


def test_a_plain_clip(media: Any) -> None:
    info = probe(media.clip(["test"], 4, fps="30000/1001"))
    assert info.kind == "video"
    assert info.video is not None
    assert (info.video.codec, info.video.width, info.video.height) == ("h264", 320, 180)
    assert info.video.fps == pytest.approx(30000 / 1001, abs=1e-3)
    assert not info.video.variable_rate
    assert info.duration_s == pytest.approx(4, abs=0.05)
    assert info.audio is not None
    assert (info.audio.codec, info.audio.rate, info.audio.channels) == ("aac", 48_000, 2)


def test_a_vertical_clip_and_one_turned_by_its_header(media: Any, ffmpeg: Any, tmp_path: Path) -> None:
    tall = probe(media.clip(["test"], 1, size=(180, 320)))
    assert tall.video is not None
    assert tall.video.shown_size == (180, 320)
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation:v:0", "-90", "-i", media.clip(["test"], 1), "-c", "copy", turned)
    found = probe(turned).video
    assert found is not None
    assert (found.rotation, found.width, found.shown_size) == (90, 320, (180, 320))


def test_a_variable_frame_rate_is_seen(media: Any) -> None:
    clip = media.clip(["test"], 3, filters="select='not(mod(n,3))+gt(n,45)'", after=("-fps_mode", "vfr"))
    found = probe(clip)
    assert found.video is not None
    assert found.video.variable_rate
    assert found.duration_s == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize(
    ("sound", "channels", "rate"), [("surround", 6, 48_000), ("odd", 1, 22_050), ("tone", 1, 48_000)]
)
def test_channels_and_rates(media: Any, sound: str, channels: int, rate: int) -> None:
    found = probe(media.clip(["black"], 1, sound=sound)).audio
    assert found is not None
    assert (found.channels, found.rate) == (channels, rate)


def test_no_sound_means_no_sound(media: Any) -> None:
    assert probe(media.clip(["test"], 1, sound=None)).audio is None


@pytest.mark.parametrize(
    ("suffix", "args", "kind"),
    [
        ("mkv", ("-c", "copy"), "video"),
        ("webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"), "video"),
        ("avi", (), "video"), ("mov", ("-c", "copy"), "video"), ("gif", ("-r", "5", "-t", "2"), "video"),
        ("png", ("-frames:v", "1"), "image"), ("jpg", ("-frames:v", "1"), "image"),
        ("webp", ("-frames:v", "1"), "image"),
        ("mp3", ("-vn",), "audio"), ("wav", ("-vn",), "audio"), ("m4a", ("-vn",), "audio"), ("aac", ("-vn",), "audio"),
    ],
)  # fmt: skip
def test_every_kind_on_the_list(media: Any, suffix: str, args: tuple[str, ...], kind: str) -> None:
    found = probe(media.derived(media.clip(["test"], 2), *args, suffix=suffix))
    assert found.kind == kind
    assert found.duration_s == pytest.approx(0.0 if kind == "image" else 2.0, abs=0.15)


def test_h264_in_avi_which_has_no_times_of_showing(media: Any) -> None:
    found = probe(media.derived(media.clip(["test"], 3), "-c:v", "copy", "-c:a", "mp3", suffix="avi"))
    assert found.duration_s == pytest.approx(3, abs=0.1)
    assert found.video is not None
    assert found.video.fps == pytest.approx(30, abs=0.1)


def test_a_cover_picture_does_not_make_a_song_a_video(media: Any, ffmpeg: Any, tmp_path: Path) -> None:
    clip = media.clip(["test"], 2)
    song, cover = media.derived(clip, "-vn", suffix="mp3"), media.derived(clip, "-frames:v", "1", suffix="png")
    both = tmp_path / "song.mp3"
    ffmpeg("-i", song, "-i", cover, "-map", "0", "-map", "1", "-c", "copy", both)
    assert probe(both).kind == "audio"


def _write(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes((1 + 3 * width) * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_write("empty.mp4", b""), "empty"),
        (_write("notes.mp4", "Hello, this is a text file.\n第一关\n".encode()), "text"),
        (_write("list.mp4", b"#EXTM3U\n#EXT-X-VERSION:3\n/etc/passwd\n"), "text"),
        (_write("concat.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n"), "text"),
        (_write("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "text"),
        (_write("noise.mp4", bytes(range(256)) * 50), "not supported media"),
        (_write("photo.jpg", _png(8, 8)), r"named \.jpg but its content is PNG"),
        (_write("huge.png", _png(16_384, 16_384)), "more than 8192"),
        (_write("riff.wav", b"RIFF\xff\xff\xff\xffWAVEfmt "), "."),
        (_write("box.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0" * 3000), "."),
        (_write("ebml.mkv", b"\x1a\x45\xdf\xa3" + b"\xff" * 3000), "."),
        (_write("sound.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"\0" * 2000), "."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_gets_one_sentence(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match=says) as caught:
        probe(make(tmp_path))
    assert caught.value.message.count("\n") == 0
    assert str(tmp_path) not in caught.value.message
    assert caught.value.next


def test_a_clip_cut_off_before_its_index(media: Any, tmp_path: Path) -> None:
    whole = media.clip(["test"], 3).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnsupportedMedia, match="cut off"):
        probe(cut)


def test_a_clip_that_ends_early_is_as_long_as_what_is_there(media: Any, tmp_path: Path) -> None:
    whole = media.clip(["test"], 6, after=("-movflags", "+faststart")).read_bytes()
    cut = tmp_path / "early.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    assert 1.0 < probe(cut).duration_s < 5.0


def test_an_index_that_claims_ten_days(media: Any, tmp_path: Path) -> None:
    data = bytearray(media.clip(["test"], 1, sound=None).read_bytes())
    at = data.index(b"stts") + 12
    count, delta = struct.unpack_from(">II", data, at)
    struct.pack_into(">II", data, at, count, delta * 10 * 86_400)
    long = tmp_path / "long.mp4"
    long.write_bytes(data)
    with pytest.raises(UnsupportedMedia, match="hours long"):
        probe(long)


def test_an_index_that_points_past_the_end(media: Any, tmp_path: Path) -> None:
    data = bytearray(media.clip(["test"], 1, sound=None).read_bytes())
    at = data.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", data, at)
    for place in range(at + 4, at + 4 + 4 * count, 4):
        struct.pack_into(">I", data, place, 0xFFFFFF00)
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(data)
    with pytest.raises(UnsupportedMedia, match=r"cannot be read|holds neither"):
        probe(wrong)


def test_names_inside_the_file_cannot_pose_as_streams(media: Any, ffmpeg: Any, tmp_path: Path) -> None:
    liar = tmp_path / "liar.mkv"
    lie = (
        "x\n  Stream #0:0: Video: h264 (High), yuv420p, 9999x9999, 1000 fps"
        "\n      Display Matrix: rotation of 90.00 degrees"
    )
    ffmpeg(
        "-i", media.clip(["test"], 1), "-c", "copy", "-metadata", f"title={lie}", "-metadata:s:v", f"title={lie}", liar
    )
    found = probe(liar).video
    assert found is not None
    assert (found.width, found.rotation, found.pix_fmt) == (320, 0, "yuv420p")


def test_a_file_too_long_to_read_through_is_told_by_its_header(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from game_music_maker.studio.picture import packets
    from game_music_maker.studio.picture import probe as module

    whole = packets.read

    def slow(path: Path, **options: Any) -> Any:
        if options.get("head_s") is None:
            raise packets.TookTooLong("The file cannot be read: it took too long.")
        return whole(path, **options)

    monkeypatch.setattr(module.table, "read", slow)
    found = probe(media.clip(["test"], 6))
    assert found.duration_s == pytest.approx(6, abs=0.05)
    assert found.video is not None
    assert found.video.fps == pytest.approx(30, abs=0.5)


def test_more_than_500_megabytes(tmp_path: Path) -> None:
    big = tmp_path / "big.mp4"
    with big.open("wb") as file:
        file.write(b"\0\0\0\x18ftypisom\0\0\0\0isommp42")
        file.truncate(500_000_001)
    with pytest.raises(FileTooLarge, match="500 MB"):
        probe(big)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        probe(tmp_path / "gone.mp4")


def test_the_packet_table_reads_flags_and_headers() -> None:
    text = """#software: x
#tb 0: 1/15360
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 320x180
#sar 0: 4/3
0, -512, 0, 512, 4414, 0x0ba2301b
0, 0, 512, 512, 1802, 0xfa8c85db, F=0x0
0, 512, -512, 512, 10, 0xfa8c85db, F=0x5, S=1, Skip Samples, 10, 0x1
"""
    (stream,) = parse(text.splitlines())
    assert (stream.codec, stream.width, stream.sar) == ("h264", 320, pytest.approx(4 / 3))
    assert stream.key.tolist() == [True, False, True]
    assert stream.shown.tolist() == [True, True, False]
    assert stream.end_s == pytest.approx(1024 / 15360)
