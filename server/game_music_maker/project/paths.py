"""Which paths may be read and written: one place decides.

A path is judged by where it ends up (after ``..`` and links), component by component: it must lie under one
of the roots, in no hidden folder below that root, outside ``/proc``, ``/sys`` and ``/dev``, and be a plain
file. A refusal reads the same whether the file exists or not. What was judged is what is used: a file is
opened once, walking down from the root without following links, and the handle is passed on; an output is
written and renamed inside its folder's handle.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from ..errors import DiskFull, InvalidArgument, MusicMakerError, NotAllowedPath, NotFound, OutputExists
from . import locks
from .text import file_name, line

_NEVER = ("/proc", "/sys", "/dev")
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_HANDLES = os.open in os.supports_dir_fd
"""Whether the platform can open a name inside an open folder (Linux and macOS; not Windows)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path that was judged: `path` is real and absolute, `root` the allowed folder that it lies in."""

    path: Path
    root: Path

    @property
    def parts(self) -> tuple[str, ...]:
        """The components below the root."""
        return self.path.relative_to(self.root).parts


@dataclass(slots=True)
class OpenFile:
    """A plain file, open for reading. `size` in bytes, `name` cleaned for people and for the wire."""

    handle: BinaryIO
    path: Path
    name: str
    size: int


class Paths:
    """The rule for one user of the package.

    Args:
        roots: allowed folders; None for a command typed in a shell, which may name any path that its user
        may.
        base: what a relative path for reading starts from.
    """

    def __init__(self, roots: Sequence[Path] | None, base: Path) -> None:
        self._base = base
        self._free = roots is None
        self._roots = tuple(dict.fromkeys(Path(os.path.realpath(root)) for root in roots or ()))

    def judge(self, path: str | os.PathLike[str], base: Path | None = None) -> Place:
        """Where `path` ends up.

        Raises:
            NotAllowedPath: outside the roots, in a hidden folder, or a system folder; whether it exists or
            not. InvalidArgument: not a path at all.
        """
        text = os.fspath(path)
        if not text.strip() or "\0" in text or len(text) > 4096:
            raise InvalidArgument("That is not a usable file path.")
        full = (base or self._base) / Path(text).expanduser()
        try:
            real = Path(os.path.realpath(full))
        except (OSError, ValueError):
            raise self._refusal(text) from None
        if any(real == Path(never) or Path(never) in real.parents for never in _NEVER):
            raise self._refusal(text)
        if self._free:
            return Place(real, Path(real.anchor))
        for root in self._roots:
            if real == root or root in real.parents:
                place = Place(real, root)
                if not any(part.startswith(".") for part in place.parts):
                    return place
        raise self._refusal(text)

    def open_file(self, path: str | os.PathLike[str]) -> OpenFile:
        """Open a file for reading, once; the caller closes `handle`.

        Raises:
            NotAllowedPath: as `judge`, and for folders, devices, pipes and links that were swapped in.
            NotFound: nothing there, inside an allowed folder.
        """
        place = self.judge(path)
        shown = line(place.path.name, 120)
        try:
            handle = _walk(place, _open_plain)
        except FileNotFoundError:
            raise NotFound(
                f"There is no file '{shown}' at that path.",
                next="Check the path; give it in full from the root folder.",
            ) from None
        except OSError:
            raise self._refusal(os.fspath(path)) from None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise NotAllowedPath(
                    f"'{shown}' is not a plain file.", next="Name a media file, not a folder or a device."
                )
            return OpenFile(os.fdopen(handle, "rb"), place.path, file_name(place.path.name), status.st_size)
        except BaseException:
            os.close(handle)
            raise

    def output(self, path: str | os.PathLike[str], folder: Path) -> Place:
        """Where an output goes: relative to `folder`, or absolute inside an allowed root (`folder` is one).

        Raises:
            NotAllowedPath: as `judge`.
            InvalidArgument: names a folder.
        """
        real_folder = Path(os.path.realpath(folder))
        rule = self if self._free else Paths((*self._roots, real_folder), self._base)
        text = os.fspath(path)
        place = rule.judge(text, base=real_folder)
        if text.endswith(("/", os.sep)) or place.path.is_dir() or place.path == place.root:
            raise InvalidArgument("The output is a folder: add a file name.")
        if file_name(place.path.name, 240) != place.path.name:
            raise InvalidArgument("The output's file name holds characters that cannot be used.")
        return place

    @staticmethod
    def _refusal(path: str) -> NotAllowedPath:
        return NotAllowedPath(f"'{line(Path(path).name or path, 120)}' is not inside a folder that may be used.")


def _open_plain(name: str, folder: int | None) -> int:
    return os.open(name, os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _BINARY, dir_fd=folder)


def _walk(place: Place, act: Callable[[str, int | None], int], *, make: bool = False) -> int:
    """Open every folder from the root down without following links, then `act` on the last name inside its
    folder."""
    if not _HANDLES:
        if Path(os.path.realpath(place.path)) != place.path:
            raise PermissionError(errno.EPERM, "a link was swapped in")
        return act(str(place.path), None)
    folder = os.open(place.root, os.O_RDONLY | _DIRECTORY)
    try:
        for part in place.parts[:-1]:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            deeper = os.open(part, os.O_RDONLY | _DIRECTORY | _NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        return act(place.parts[-1], folder)
    finally:
        os.close(folder)


@contextmanager
def writing(
    place: Place, *, overwrite: bool, source: str = "", keep: Callable[[BaseException], bool] | None = None
) -> Iterator[IO[bytes]]:
    """A file that appears under its final name only when whole.

    Inside the block it is a temporary file in the same folder; after it, flushed to the disk and renamed. An
    exception leaves nothing behind, but for one that `keep` says is worth going on after.

    Args:
        source: what the bytes come from; where a writer of the same source was killed, or kept its file, the handle
            holds what it had written.

    Raises:
        OutputExists: the name is taken and `overwrite` is false (judged at the end, atomically).
        DiskFull: no room.
        NotAllowedPath: the folder cannot be written.
    """
    stem = f".{place.path.name[:80]}."
    tag = hashlib.sha256(source.encode()).hexdigest()[:8] if source else secrets.token_hex(4)
    temporary = f"{stem}{tag}.part"
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        if not _HANDLES:
            place.path.parent.mkdir(parents=True, exist_ok=True)
        folder = _walk(Place(place.path.parent / "_", place.root), _folder_handle, make=True)
    except OSError as error:
        raise output_error(error, place.path) from None
    kept = False
    try:
        left = _sweep(stem, temporary, folder)
        if left is None and source and _taken(temporary, place, folder):
            temporary = f"{stem}{secrets.token_hex(4)}.part"
        with _filling(temporary, place, folder, left) as handle:
            yield handle
        _publish(temporary, place, folder, overwrite)
    except BaseException as error:
        kept = keep is not None and keep(error)
        raise
    finally:
        if not kept:
            with suppress(OSError):
                _in(folder, place, os.unlink, temporary)
        if folder >= 0:
            os.close(folder)


def _taken(name: str, place: Place, folder: int) -> bool:
    try:
        if folder >= 0:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        else:
            os.lstat(place.path.parent / name)
    except OSError:
        return False
    return True


def _sweep(stem: str, own: str, folder: int) -> IO[bytes] | None:
    """Remove what killed writers of the same file left: temporary files that nobody holds. The one called `own` is
    given back, open and locked, to go on with."""
    if folder < 0:
        return None
    found: IO[bytes] | None = None
    for name in os.listdir(folder):
        if not (name.startswith(stem) and name.endswith(".part")):
            continue
        with suppress(OSError):
            left = os.fdopen(os.open(name, os.O_RDWR | _NOFOLLOW | _NONBLOCK | _BINARY, dir_fd=folder), "r+b")
            try:
                locks.take(left)
                whose = os.fstat(left.fileno())
                if name == own and stat.S_ISREG(whose.st_mode) and whose.st_nlink == 1:
                    found = left
                else:
                    os.unlink(name, dir_fd=folder)
            finally:
                if found is not left:
                    left.close()
    return found


@contextmanager
def _filling(temporary: str, place: Place, folder: int, left: IO[bytes] | None) -> Iterator[IO[bytes]]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY
    try:
        if left is not None:
            raw = os.dup(left.fileno())  # the lock goes with the open file
            left.close()
        elif folder >= 0:
            raw = os.open(temporary, flags, 0o644, dir_fd=folder)
        else:
            raw = os.open(place.path.parent / temporary, flags, 0o644)
        with os.fdopen(raw, "w+b") as handle:
            if folder >= 0:
                locks.take(handle)
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        raise output_error(error, place.path) from None


def _publish(temporary: str, place: Place, folder: int, overwrite: bool) -> None:
    name = place.path.name
    try:
        if overwrite:
            _rename(temporary, name, place, folder)
            return
        try:
            if folder >= 0:
                os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                os.link(place.path.parent / temporary, place.path)
        except FileExistsError:
            raise OutputExists(f"There is already a file '{line(name, 120)}' there.") from None
        except OSError:  # a file system without hard links
            if place.path.exists():
                raise OutputExists(f"There is already a file '{line(name, 120)}' there.") from None
            _rename(temporary, name, place, folder)
    except OSError as error:
        raise output_error(error, place.path) from None


def _rename(temporary: str, name: str, place: Place, folder: int) -> None:
    if folder >= 0:
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    else:
        (place.path.parent / temporary).replace(place.path)


def _in(folder: int, place: Place, act: Callable[..., None], name: str) -> None:
    if folder >= 0:
        act(name, dir_fd=folder)
    else:
        act(place.path.parent / name)


def _folder_handle(_name: str, folder: int | None) -> int:
    """A handle of the folder itself; -1 where the platform has none."""
    return -1 if folder is None else os.dup(folder)


def folder_fault(folder: Path) -> OSError | None:
    """Why `folder`, or the nearest one above it that exists, takes no file; None where it does. Nothing stays there."""
    standing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=standing):
            return None
    except OSError as error:
        return error


def default_folder(working: Path, other: Path) -> Path:
    """Where a shell's output without a path goes: the working folder, or `other` where that takes no file."""
    return working if folder_fault(working) is None else other


def output_error(error: OSError, path: Path) -> MusicMakerError:
    """The error of the tree that a failed write means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("The disk is full: the file was not written.")
    shown = line(path.parent.name or str(path.parent), 80)
    return NotAllowedPath(
        f"The folder '{shown}' cannot be written.",
        next="Choose another output folder, or give yourself the right to write there.",
    )
