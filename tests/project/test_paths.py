"""Which files may be read and written."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from game_music_maker.errors import DiskFull, InvalidArgument, MusicMakerError, NotAllowedPath, NotFound, OutputExists
from game_music_maker.project import paths as walking
from game_music_maker.project.paths import Paths, Place, writing

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")


@pytest.fixture(params=["handles", "no handles"], autouse=True)
def handles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Each test twice: with handles of folders, and without, as on Windows."""
    given = request.param == "handles"
    if not given:
        monkeypatch.setattr(walking, "_HANDLES", False)
    elif not walking._HANDLES:
        pytest.skip("this system has none")
    return given


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(b"media")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    return folder


@pytest.fixture
def paths(root: Path) -> Paths:
    return Paths([root], root)


def refusal(paths: Paths, path: str | Path) -> MusicMakerError:
    with pytest.raises(MusicMakerError) as caught:
        paths.open_file(path).handle.close()
    return caught.value


def test_a_file_inside_is_opened_once_and_read_from_its_handle(paths: Paths, root: Path) -> None:
    opened = paths.open_file("clip.mp4")
    (root / "clip.mp4").unlink()
    with opened.handle as handle:
        assert (handle.read(), opened.name, opened.size) == (b"media", "clip.mp4", 5)


def test_a_path_is_judged_by_where_it_ends_up(paths: Paths, root: Path) -> None:
    paths.open_file(root / ".." / "allowed" / "clip.mp4").handle.close()
    assert isinstance(refusal(paths, "../secret.mp4"), NotAllowedPath)
    (root / "link.mp4").symlink_to(root.parent / "secret.mp4")
    assert isinstance(refusal(paths, "link.mp4"), NotAllowedPath)


def test_refusals_read_alike_whether_the_file_exists_or_not(paths: Paths, root: Path) -> None:
    there, gone = refusal(paths, "../secret.mp4"), refusal(paths, "../nothing.mp4")
    assert there.message.replace("secret", "X") == gone.message.replace("nothing", "X")
    assert (there.code, there.next) == (gone.code, gone.next)
    assert isinstance(refusal(paths, "nothing.mp4"), NotFound)


@pytest.mark.parametrize("name", [".ssh/id.mp4", "a/.git/clip.mp4", ".hidden.mp4"])
def test_hidden_folders_are_refused(paths: Paths, root: Path, name: str) -> None:
    assert isinstance(refusal(paths, name), NotAllowedPath)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"x")
    assert isinstance(refusal(paths, name), NotAllowedPath)


@posix
def test_folders_pipes_and_system_files_are_refused(paths: Paths, root: Path) -> None:
    os.mkfifo(root / "pipe.mp4")
    (root / "folder.mp4").mkdir()
    free = Paths(None, root)
    strange = [root / "pipe.mp4", root / "folder.mp4", Path("/proc/self/environ"), Path("/dev/zero")]
    for path in strange:
        assert isinstance(refusal(free, path), NotAllowedPath), path


@posix
def test_a_link_that_is_swapped_in_after_the_judgement_is_not_followed(paths: Paths, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "clip.mp4").write_bytes(b"media")
    place = paths.judge("sub/clip.mp4")
    (root / "sub" / "clip.mp4").unlink()
    (root / "sub").rmdir()
    (root / "sub").symlink_to(root.parent)
    (root.parent / "clip.mp4").write_bytes(b"secret")
    with pytest.raises(NotAllowedPath), writing(place, overwrite=True) as handle:
        handle.write(b"x")
    assert (root.parent / "clip.mp4").read_bytes() == b"secret"


@posix
def test_a_link_that_is_swapped_in_and_out_never_lets_another_file_be_read(
    paths: Paths, root: Path, handles: bool
) -> None:
    if not handles:
        pytest.skip("needs handles of folders (docs/platforms.md)")
    (root / "sub").mkdir()
    (root / "sub" / "clip.mp4").write_bytes(b"media")
    (root.parent / "other").mkdir()
    (root.parent / "other" / "clip.mp4").write_bytes(b"secret")
    (root / "link").symlink_to(root.parent / "other")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for old, new in (("sub", "kept"), ("link", "sub"), ("sub", "link"), ("kept", "sub")):
                (root / old).rename(root / new)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = set()
    try:
        for _ in range(1000):
            try:
                with paths.open_file("sub/clip.mp4").handle as handle:
                    seen.add(handle.read())
            except (NotAllowedPath, NotFound):
                continue
    finally:
        ended.set()
        swapping.join()
    assert seen == {b"media"}


@pytest.mark.parametrize("path", ["", " ", "a\0b", "x" * 5000])
def test_what_is_no_path_is_refused(paths: Paths, path: str) -> None:
    assert isinstance(refusal(paths, path), InvalidArgument)


def test_an_output_appears_whole_or_not_at_all(paths: Paths, root: Path) -> None:
    place = paths.output("new/out.mp4", root)

    def fail_half_way() -> None:
        with writing(place, overwrite=False) as handle:
            handle.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list((root / "new").iterdir()) == []
    with writing(place, overwrite=False) as handle:
        handle.write(b"whole")
        assert not place.path.exists()
    assert place.path.read_bytes() == b"whole"
    assert [p.name for p in (root / "new").iterdir()] == ["out.mp4"]


@posix
def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_holds_is_not(
    paths: Paths, root: Path, handles: bool
) -> None:
    if not handles:
        pytest.skip("needs handles of folders (docs/platforms.md)")
    (root / ".out.mp4.0000.part").write_bytes(b"left")
    place = paths.output("out.mp4", root)
    with writing(place, overwrite=False) as first:
        first.write(b"one")
        with writing(place, overwrite=True) as second:
            second.write(b"two")
        assert len(list(root.glob(".out.mp4.*.part"))) == 1, "the first writer's own"
        assert not (root / ".out.mp4.0000.part").exists()
        place.path.unlink()
    assert place.path.read_bytes() == b"one"


def test_nothing_is_replaced_unasked(paths: Paths, root: Path) -> None:
    place = paths.output("clip.mp4", root)
    with pytest.raises(OutputExists), writing(place, overwrite=False) as handle:
        handle.write(b"new")
    assert place.path.read_bytes() == b"media"
    with writing(place, overwrite=True) as handle:
        handle.write(b"new")
    assert place.path.read_bytes() == b"new"


def test_an_output_stays_inside(paths: Paths, root: Path, tmp_path: Path) -> None:
    with pytest.raises(NotAllowedPath):
        paths.output("../out.mp4", root)
    with pytest.raises(NotAllowedPath):
        paths.output(tmp_path / "out.mp4", root)
    with pytest.raises(InvalidArgument):
        paths.output("sub/", root)
    assert paths.output("sub/out.mp4", root).path == root / "sub" / "out.mp4"


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named(root: Path) -> None:
    place = Place(root / "out.mp4", root)
    with pytest.raises(DiskFull), writing(place, overwrite=False), Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
    assert not place.path.exists()
