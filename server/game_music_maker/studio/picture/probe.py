"""What a media file is: `probe`. Without ffprobe: content and extension are compared, then FFmpeg copies
the packets to nowhere and prints their table; nothing is decoded. Facts come from that table; only the
picture's rotation, rate, profile and colour are read from FFmpeg's log, in which text of the file itself
may stand (it can fool nobody but its owner there)."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ...errors import FileTooLarge, UnsupportedMedia
from ..footage import AudioStream, MediaInfo, VideoStream
from . import ffmpeg
from . import packets as table
from .packets import Packets
from .sniff import GIF, MOVING_WEBP, Kind, check_kind, check_pixels

MAX_BYTES = 500_000_000
MAX_SECONDS = 4 * 3600.0
_CHANNELS = {
    "mono": 1,
    "stereo": 2,
    "2.1": 3,
    "3.0": 3,
    "4.0": 4,
    "quad": 4,
    "5.0": 5,
    "5.1": 6,
    "6.1": 7,
    "7.1": 8,
}
_TIME_LIMIT_S, _HEAD_LIMIT_S = 3.2, 1.3


def probe(path: Path | str) -> MediaInfo:
    """Look at one file, within 5 seconds and bounded memory.

    Args:
        path: a local file; its extension must agree with its content (no extension agrees with everything).

    Raises:
        NotFound: no such file.
        FileTooLarge: over 500·10⁶ bytes.
        UnsupportedMedia: anything else that cannot be used; one sentence says why.
    """
    path = Path(path)
    kind = check_kind(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FileTooLarge(f"The file has {size / 1e6:.0f} MB; 500 MB is the most.")
    streams, log, told = _tables(path)
    _check_streams(log)
    picture = next((s for s in streams if s.media == "video" and len(s.size)), None)
    sound = next((s for s in streams if s.media == "audio" and len(s.size)), None)
    audio = _audio(sound, log) if sound is not None else None
    if picture is None and audio is not None and any(s.media == "video" for s in streams):
        raise UnsupportedMedia(
            "The file's picture cannot be read, only its sound: its index is damaged or empty.",
            next="Send it again, or its sound alone as m4a, mp3 or wav.",
        )
    if picture is None:
        if sound is None or audio is None:
            raise UnsupportedMedia("The file holds neither picture nor sound.")
        length = _length(told or sound.end_s - min(0.0, sound.start_s))
        return MediaInfo(kind="audio", container=kind.demuxer, duration_s=length, size_bytes=size, audio=audio)
    video = _video(picture, log)
    if kind.image:
        still = video.model_copy(update={"fps": 0.0})
        return MediaInfo(kind="image", container=kind.demuxer, duration_s=0.0, size_bytes=size, video=still)
    return _moving(kind, picture, video, audio, size, told)


def _check_streams(log: str) -> None:
    """FFmpeg reads the first streams of a file that has more than the most, and then stops somewhere."""
    listed = re.findall(r"^  Stream #0:\d+[^>\n]*: \w+: ", log[: log.rfind("\nOutput #0")], re.MULTILINE)
    if len(listed) >= ffmpeg.MOST_STREAMS:
        raise UnsupportedMedia(f"The file has {ffmpeg.MOST_STREAMS} streams or more.", next="Send it with fewer.")


def _tables(path: Path) -> tuple[list[Packets], str, float | None]:
    """Packet tables and log; of a file too long to be read through in the time, those of its first seconds
    and the length in seconds that its header tells."""
    try:
        return *table.read(path, timeout_s=_TIME_LIMIT_S), None
    except table.TookTooLong:
        streams, log = table.read(path, timeout_s=_HEAD_LIMIT_S, head_s=3.0)
    found = re.search(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", log, re.MULTILINE)
    if not found:
        raise UnsupportedMedia("The file does not tell how long it is.")
    return streams, log, int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _moving(
    kind: Kind, picture: Packets, video: VideoStream, audio: AudioStream | None, size: int, told: float | None
) -> MediaInfo:
    animated = kind in (GIF, MOVING_WEBP)
    if animated and len(picture.size) == 1:
        still = video.model_copy(update={"fps": 0.0, "variable_rate": False})
        return MediaInfo(kind="image", container=kind.demuxer, duration_s=0.0, size_bytes=size, video=still)
    return MediaInfo(
        kind="video",
        container=kind.demuxer,
        duration_s=_length(told or picture.end_s - min(0.0, picture.start_s)),
        size_bytes=size,
        video=video,
        audio=audio,
        animated=animated,
    )


def _length(seconds: float) -> float:
    if not math.isfinite(seconds) or seconds <= 0.001:
        raise UnsupportedMedia("The file has no length: its picture or sound is empty.")
    if seconds > MAX_SECONDS:
        raise UnsupportedMedia(
            f"The file says that it is {seconds / 3600:.0f} hours long; 4 hours is the most.",
            next="Trim it and send it again.",
        )
    return round(seconds, 6)


def _video(stream: Packets, log: str) -> VideoStream:
    told = re.search(r"\bPicture size (\d+)x(\d+) ", log) if not stream.width else None
    check_pixels(*((int(told[1]), int(told[2])) if told else (stream.width, stream.height)))
    line = _stream_line(log, "Video")
    profile = re.search(r"Video: \w+ \(([\w :.]+)\)", line)
    pix_fmt = re.search(r"Video: [^,]*?(?:\([^)]*\) )*[^,]*, (\w+)(?:\(([^)]*)\))?", line)
    color = (pix_fmt[2] or "") if pix_fmt else ""
    rotation = re.search(r"^ +Display Matrix: rotation of (-?[\d.]+) degrees", _output(log), re.MULTILINE)
    turned = round(-float(rotation[1]) / 90) * 90 % 360 if rotation else 0  # FFmpeg counts anticlockwise
    return VideoStream(
        index=_stream_index(log, "Video"),
        codec=stream.codec,
        profile=profile[1] if profile else "",
        pix_fmt=pix_fmt[1] if pix_fmt else "",
        width=stream.width,
        height=stream.height,
        sar=stream.sar,
        rotation=turned,
        fps=_fps(stream),
        variable_rate=stream.variable,
        color=", ".join(part for part in color.split(", ") if part != "progressive"),
    )


def _fps(stream: Packets) -> float:
    """Average frames a second over what is shown, snapped to the usual rates where it is within 0.05 %."""
    times = stream.seconds[stream.shown]
    if len(times) < 2 or times.max() <= times.min():
        return 0.0
    rate = float((len(times) - 1) / (times.max() - times.min()))
    usual = (24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 120, 144)
    near = min(usual, key=lambda known: abs(known - rate))
    return round(near if abs(near / rate - 1) < 5e-4 and not stream.variable else rate, 6)


def _audio(stream: Packets, log: str) -> AudioStream:
    layout = stream.layout.split("(")[0]
    named = re.match(r"(\d+) channels", stream.layout)
    channels = int(named[1]) if named else _CHANNELS.get(layout, 2)
    return AudioStream(
        index=_stream_index(log, "Audio"),
        codec=stream.codec,
        rate=stream.rate,
        channels=channels,
        layout=stream.layout,
    )


def _stream_line(log: str, what: str) -> str:
    """The line on the copied stream in the dump of the output, where metadata was dropped."""
    found = re.search(rf"^  Stream #0:\d+.*?: ({what}: .*)$", _output(log), re.MULTILINE)
    return found[1] if found else ""


def _output(log: str) -> str:
    return log[log.rfind("\nOutput #0") :]


def _stream_index(log: str, what: str) -> int:
    """Index in the source file of the copied stream."""
    mapping = re.findall(r"^  Stream #0:(\d+) -> #0:(\d+)", log, re.MULTILINE)
    found = re.search(rf"^  Stream #0:(\d+).*?: {what}: ", _output(log), re.MULTILINE)
    return next((int(src) for src, out in mapping if found and out == found[1]), 0)
