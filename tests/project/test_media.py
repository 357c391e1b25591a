"""Only media goes out: what a file's name says and what is in it must agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from game_music_maker.contract.routes import ACCEPTED, MAX_UPLOAD_BYTES
from game_music_maker.errors import FileTooLarge, UnsupportedMedia
from game_music_maker.project import media
from game_music_maker.project.paths import Paths

ISO, EBML = b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3\x01"
HEADS = {
    "mp4": ISO, "mov": ISO, "m4a": ISO, "webm": EBML, "mkv": EBML,
    "avi": b"RIFF\0\0\0\0AVI LIST", "wav": b"RIFF\0\0\0\0WAVEfmt ", "webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "jpg": b"\xff\xd8\xff\xe0", "jpeg": b"\xff\xd8\xff\xdb", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a",
    "mp3": b"ID3\x04", "aac": b"\xff\xf1\x50\x80",
}  # fmt: skip


def judge(folder: Path, name: str, content: bytes, size: int | None = None) -> str:
    path = folder / name
    with path.open("wb") as file:
        file.write(content)
        if size is not None:
            file.truncate(size)
    opened = Paths([folder], folder).open_file(path)
    with opened.handle:
        kind = media.check(opened)
        assert opened.handle.tell() == 0, "it is sent from its start"
        return kind


def test_every_accepted_type_has_a_sample() -> None:
    assert set(HEADS) == set(ACCEPTED)


@pytest.mark.parametrize("ending", sorted(HEADS))
def test_each_type_is_taken_as_itself_and_refused_as_another(tmp_path: Path, ending: str) -> None:
    assert judge(tmp_path, f"a.{ending.upper()}", HEADS[ending]) == ACCEPTED[ending]
    for other in HEADS:
        if HEADS[other] != HEADS[ending] and {other, ending} not in ({"jpg", "jpeg"}, {"mp3", "aac"}):
            with pytest.raises(UnsupportedMedia):
                judge(tmp_path, f"b.{other}", HEADS[ending])


@pytest.mark.parametrize("name", ["notes.txt", "key.pem", "clip", "clip.mp4.exe", "list.m3u8", "art.svg"])
def test_other_types_are_refused_with_those_that_are_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        judge(tmp_path, name, ISO)
    assert "mp4, mov, avi, webm, mkv, jpg, png, gif, webp, mp3, wav, m4a or aac" in caught.value.next


def test_five_hundred_megabytes_are_the_most(tmp_path: Path) -> None:
    assert MAX_UPLOAD_BYTES == 500_000_000
    assert judge(tmp_path, "a.mp4", ISO, MAX_UPLOAD_BYTES) == "video"
    with pytest.raises(FileTooLarge) as caught:
        judge(tmp_path, "b.mp4", ISO, MAX_UPLOAD_BYTES + 1)
    assert "Compress or trim" in caught.value.next
