"""What is built holds what the program needs, and runs from it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("server", "SKILL.md", "manifest.yaml", "README.md", "LICENSE", "THIRD_PARTY.md", "pyproject.toml")


def _copy(to: Path) -> Path:
    """The project without what the tests left in it."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            to.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, to / name)
    return to


def _build(project: Path, kind: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(path for path in (project / "dist").iterdir() if path.suffix in (".whl", ".gz"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(_copy(tmp_path_factory.mktemp("source") / "ein Ordner 音乐"), "sdist")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, as an installer without a wheel would."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return _build(next(folder.iterdir()), "wheel")


def test_the_wheel_is_small_enough_and_carries_data_and_licences(wheel: Path) -> None:
    assert wheel.stat().st_size < 60e6
    names = zipfile.ZipFile(wheel).namelist()
    for suffix in (
        "_bundle/SKILL.md",
        "_bundle/manifest.yaml",
        "studio/music/palettes/palettes.yaml",
        "studio/music/palettes/moods.yaml",
        "licenses/LICENSE",
        "licenses/THIRD_PARTY.md",
    ):
        assert any(name.endswith(suffix) for name in names), suffix
    assert any(name.endswith((".sf3", ".sf2")) for name in names)
    assert all(name.startswith(("game_music_maker/", "game_music_maker-")) for name in names)


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "server"
    mine = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert mine - names == set()


def test_the_unpacked_wheel_runs_and_knows_its_version(wheel: Path, tmp_path: Path) -> None:
    """Away from the checkout, the version comes from the bundled SKILL.md."""
    site = tmp_path / "site packages 包"
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "game_music_maker", "--version"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"game-music-maker {wheel.name.split('-')[1]}"
    where = [sys.executable, "-c", "import game_music_maker; print(game_music_maker.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert str(site) in found.stdout
