"""Files for engines: what other readers find in them."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg
import mutagen
import numpy as np
import pytest
import soundfile

from game_music_maker.studio.sound import files, loudness

RATE = 48_000


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    rng = np.random.default_rng(5)
    t = np.arange(RATE * 3 + 17) / RATE
    wave = 0.3 * np.sin(2 * np.pi * 220 * t) + 0.02 * rng.standard_normal(len(t))
    return np.stack([wave, 0.5 * wave], axis=1).astype(np.float32)


def chunks(path: Path) -> dict[bytes, bytes]:
    data = path.read_bytes()
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    found, at = {}, 12
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        found[data[at : at + 4]] = data[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)
    return found


def test_ogg_carries_its_tags_and_its_exact_length(tmp_path: Path, sound: np.ndarray) -> None:
    path = tmp_path / "loop.ogg"
    tags = {"TITLE": "Träume 夢", "LOOPSTART": "0", "LOOPLENGTH": str(len(sound))}
    files.write_ogg(path, sound, RATE, tags)
    read = mutagen.File(path)
    assert [(k.upper(), v) for k, v in read.tags] == list(tags.items())
    assert read.tags.vendor == "Game Music Maker"
    back, rate = soundfile.read(path)
    assert (rate, len(back)) == (RATE, len(sound))
    assert 20 * np.log10(np.std(back - sound) / np.std(sound)) < -15


def test_every_page_of_the_ogg_is_sound(tmp_path: Path, sound: np.ndarray) -> None:
    path = tmp_path / "long-tags.ogg"
    files.write_ogg(path, sound, RATE, {"COMMENT": "x" * 150_000, "LOOPSTART": "0"})
    check = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "warning",
        "-err_detect",
        "crccheck",
        "-i",
        str(path),
        "-f",
        "null",
        "-",
    ]
    assert subprocess.run(check, capture_output=True, text=True, check=True).stderr == ""
    assert len(mutagen.File(path).tags["COMMENT"][0]) == 150_000


def test_equal_sound_gives_equal_bytes(tmp_path: Path, sound: np.ndarray) -> None:
    for name in ("a", "b"):
        files.write_ogg(tmp_path / f"{name}.ogg", sound, RATE, {"A": "1"})
        files.write_wav(tmp_path / f"{name}.wav", sound, RATE, loop=(0, len(sound)))
    assert (tmp_path / "a.ogg").read_bytes() == (tmp_path / "b.ogg").read_bytes()
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_wav_carries_its_loop(tmp_path: Path, sound: np.ndarray) -> None:
    path = tmp_path / "loop.wav"
    files.write_wav(path, sound[:-1], RATE, loop=(480, 96_000))
    numbers = struct.unpack("<9I6I", chunks(path)[b"smpl"])
    assert numbers[2] == round(1e9 / RATE)
    assert numbers[7] == 1
    assert numbers[9:] == (0, 0, 480, 480 + 96_000 - 1, 0, 0)
    info = soundfile.info(path)
    assert (info.subtype, info.frames) == ("PCM_24", len(sound) - 1)
    assert np.abs(soundfile.read(path)[0] - sound[:-1]).max() < 2**-23


def test_what_is_no_vorbis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Ogg"):
        files.tagged(b"RIFF....", {})


def test_what_an_ogg_decodes_to_stays_under_the_ceiling(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sound = np.clip(rng.standard_normal((3 * 48_000, 2)), -0.85, 0.85).astype(np.float32)
    files.write_ogg(tmp_path / "loud.ogg", sound, 48_000, {})
    found = loudness.measure(tmp_path / "loud.ogg")
    assert -1.6 < found.true_peak_dbtp <= -1.0
    files.write_ogg(tmp_path / "again.ogg", sound, 48_000, {})
    assert (tmp_path / "again.ogg").read_bytes() == (tmp_path / "loud.ogg").read_bytes()
    soft = sound * np.float32(0.2)
    files.write_ogg(tmp_path / "soft.ogg", soft, 48_000, {})
    decoded = soundfile.read(tmp_path / "soft.ogg", dtype="float32")[0]
    assert np.std(decoded) > 0.95 * np.std(soft)  # nothing is taken off what is low enough
