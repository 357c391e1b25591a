# ruff: noqa: ASYNC240  small files of the tests' own
"""The tools over the embedded studio, as a host starts them: the server as a process, real clips, real files."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from media import Media

PROMPT = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"


PAGE = Path(__file__).resolve().parents[2] / "docs" / "agents.md"


def documented() -> dict[str, set[str]]:
    """Tool → the fields that docs/agents.md names for it, those of every answer included."""
    found: dict[str, set[str]] = {}
    tool = ""
    table = PAGE.read_text(encoding="utf-8").split("## Fields by tool", 1)[1]
    for row in re.findall(r"(?m)^\| (`\w+`)? ?\| (`.*?) \|", table):
        tool = row[0].strip("`") or tool
        found.setdefault(tool, {"message", "next", "project"}).update(re.findall(r"`(\w+)", row[1]))
    return found


class Host:
    """A host with our server as its child."""

    def __init__(self, home: Path, client: Client) -> None:
        self.home = home
        self.client = client
        self.progress: list[tuple[float, str | None]] = []

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        async def heard(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, message))

        result = await self.client.call_tool(tool, arguments, progress_callback=heard)
        assert not result.is_error, result.structured_content
        assert result.structured_content is not None
        unnamed = set(result.structured_content) - documented()[tool]
        assert not unnamed, f"docs/agents.md does not name {unnamed} of {tool}"
        return result.structured_content

    async def error(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        assert result.structured_content is not None
        found: dict[str, Any] = result.structured_content["error"]
        return found


@contextlib.asynccontextmanager
async def host(home: Path, *allowed: Path) -> AsyncIterator[Host]:
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
    environ = {
        **keep, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path),
        "GAME_MUSIC_MAKER_ALLOWED_DIRS": os.pathsep.join(map(str, (home, *allowed))),
    }  # fmt: skip
    server = StdioServerParameters(command=sys.executable, args=["-m", "game_music_maker", "serve"], env=environ)
    async with Client(stdio_client(server)) as client:
        yield Host(home, client)


def play(home: Path, media: Media, scenario: Callable[[Host], Awaitable[None]]) -> None:
    async def run() -> None:
        async with host(home, media.folder) as one:
            await scenario(one)

    asyncio.run(run())


def facts(path: str | Path) -> str:
    """What FFmpeg says of a file that it decodes from the first to the last frame without an error."""
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(path), "-f", "null", "-"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


def picture_md5(path: str | Path) -> str:
    """The MD5 of the picture's packets as they are in the file."""
    copied = ["-map", "0:v", "-c", "copy", "-f", "md5", "-"]
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), *copied],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_connect_upload_send_export(tmp_path: Path, media: Media) -> None:
    clip = media.clip(["cave", "life", "sunset"], [2.5, 2.0, 2.5])

    async def scenario(one: Host) -> None:
        ready = await one.call("connect", project="dungeon-run")
        assert (ready["backend"], ready["credits"]["unlimited"], ready["link"]) == ("local", True, None)
        uploaded = await one.call("upload", files=[str(clip)])
        assert uploaded["files"][0]["width"] == 320
        assert uploaded["files"][0]["duration_s"] == pytest.approx(7, abs=0.05)
        said = await one.call("send_message", message=PROMPT, wait_s=120)
        assert said["status"] == "done"
        assert re.fullmatch(
            r"Timeline \(2 tracks\): 1\. Video: \S+ \(0-7s\) 2\. BGM: .+ \(0-7s(, \d+%)?\)", said["timeline"]
        )
        made = await one.call("export", wait_s=120)
        path = Path(made["path"])
        assert made["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert made["duration_s"] == pytest.approx(7, abs=1 / 30 + 0.01)
        assert (made["width"], made["height"], made["format"]) == (320, 180, "mp4")
        assert made["loudness"]["integrated_lufs"] == pytest.approx(-14, abs=0.5)
        assert made["loudness"]["true_peak_dbtp"] <= -1
        assert picture_md5(path) == picture_md5(clip), "the picture is bit-identical"
        assert "Audio: aac" in facts(path)
        values = [value for value, _ in one.progress]
        assert values
        assert any("render" in (words or "") for _, words in one.progress)
        shown = await one.client.call_tool("state", {"picture": True})
        images = [base64.b64decode(block.data) for block in shown.content if block.type == "image"]
        assert [image[:8] for image in images] == [b"\x89PNG\r\n\x1a\n"]
        assert [block.mime_type for block in shown.content if block.type == "image"] == ["image/png"]
        state = await one.call("state", detail="full")
        assert state["ready_to_export"] is True
        assert state["detail"]["music"]["bpm"] > 0

    play(tmp_path, media, scenario)


def test_one_seed_repeats_exactly_and_two_differ(tmp_path: Path, media: Media) -> None:
    clip = media.clip(["cave"], 4.0)

    async def scenario(one: Host) -> None:
        made = []
        for number, seed in enumerate((7, 7, 8)):
            await one.call("connect", project=f"take-{number}")
            await one.call("upload", files=[str(clip)])
            await one.call("send_message", message="calm chiptune music", score={"seed": seed}, wait_s=120)
            made.append((await one.call("export", format="wav", wait_s=120))["sha256"])
        assert made[0] == made[1]
        assert made[0] != made[2]

    play(tmp_path, media, scenario)


def test_no_drums_chinese_and_odd_clips(tmp_path: Path, media: Media) -> None:
    silent = media.clip(["sunset"], 3.0, sound=None)
    tall = media.clip(["life"], 3.0, size=(180, 320))

    async def scenario(one: Host) -> None:
        await one.call("connect", project="silent")
        await one.call("upload", files=[str(silent)])
        await one.call("send_message", message="epic boss battle music, no drums", wait_s=120)
        state = await one.call("state", detail="full")
        assert "drums" not in state["detail"]["music"]["instruments"]
        made = await one.call("export", wait_s=120)
        assert "Audio: aac" in facts(made["path"])
        await one.call("connect", project="tall")
        await one.call("upload", files=[str(tall)])
        said = await one.call("send_message", message="给这段地牢探索配上紧张的背景音乐", wait_s=120)
        assert any(track["kind"] == "audio" for track in said["tracks"])
        made = await one.call("export", wait_s=120)
        assert (made["width"], made["height"]) == (180, 320)

    play(tmp_path, media, scenario)


def picture_times(path: str | Path) -> list[str]:
    """When each frame of a picture is due, in seconds from the first."""
    copied = ["-map", "0:v", "-c", "copy", "-f", "framecrc", "-"]
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), *copied],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    base = next(line for line in done.stdout.splitlines() if line.startswith("#tb 0"))
    num, den = (int(part) for part in base.split(": ")[1].split("/"))
    ticks = sorted(int(line.split(",")[2]) for line in done.stdout.splitlines() if line.startswith("0,"))
    return [f"{(tick - ticks[0]) * num / den:.3f}" for tick in ticks]


def test_a_clip_with_a_variable_frame_rate_keeps_every_frame_and_its_time(tmp_path: Path, media: Media) -> None:
    """Ten frames a second in its first half, thirty in its second, as screen recorders write them."""
    clip = media.clip(["cave", "life"], 3.0, filters="select='not(mod(n,3))+gt(n,90)'", after=("-fps_mode", "vfr"))

    async def scenario(one: Host) -> None:
        uploaded = await one.call("upload", files=[str(clip)])
        assert uploaded["files"][0]["duration_s"] == pytest.approx(6, abs=0.1)
        await one.call("send_message", message="calm forest music", wait_s=120)
        made = await one.call("export", wait_s=120)
        assert made["duration_s"] == pytest.approx(6, abs=0.1)
        assert made["loudness"]["integrated_lufs"] == pytest.approx(-14, abs=0.5)
        assert picture_md5(made["path"]) == picture_md5(clip)
        assert picture_times(made["path"]) == picture_times(clip)
        assert "Audio: aac" in facts(made["path"])

    play(tmp_path, media, scenario)


def test_wrong_files_are_one_clear_sentence_each(tmp_path: Path, media: Media) -> None:
    async def scenario(one: Host) -> None:
        (tmp_path / "words.mp4").write_text("just words")
        (tmp_path / "empty.mp4").write_bytes(b"")
        (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(4000))
        codes = {}
        for name in ("words.mp4", "empty.mp4", "broken.mp4", "gone.mp4"):
            error = await one.error("upload", files=[str(tmp_path / name)])
            assert error["message"].count(".") <= 4
            codes[name] = error["code"]
        assert codes == {
            "words.mp4": "unsupported_media", "empty.mp4": "unsupported_media", "broken.mp4": "unsupported_media",
            "gone.mp4": "not_found",
        }  # fmt: skip
        assert (await one.error("export"))["code"] == "nothing_to_export"

    play(tmp_path, media, scenario)


def test_edits_by_words_change_what_they_name(tmp_path: Path, media: Media) -> None:
    clip = media.clip(["cave", "life"], 3.0)

    async def scenario(one: Host) -> None:
        await one.call("upload", files=[str(clip)])
        await one.call("send_message", message="calm harp music", wait_s=120)
        level = await one.call("send_message", message="music at 35%", wait_s=120)
        assert any("35%" in line for line in level["changes"])
        title = await one.call("send_message", message='add a title "Level 1" for 3 seconds', wait_s=120)
        assert 'Title: "Level 1" (0-3s)' in title["timeline"]
        await one.call("send_message", message="undo", wait_s=120)
        state = await one.call("state")
        assert "Level 1" not in state["timeline"]

    play(tmp_path, media, scenario)


def test_projects_and_jobs_outlive_the_server_and_no_child_stays(tmp_path: Path, media: Media) -> None:
    clip = media.clip(["cave"], 4.0)

    async def first(one: Host) -> None:
        await one.call("connect", project="kept")
        await one.call("upload", files=[str(clip)])
        await one.call("send_message", message="calm music", wait_s=120)
        await one.call("export", output="one.mp4", wait_s=120)

    async def second(one: Host) -> None:
        state = await one.call("state", project="kept")
        assert state["ready_to_export"] is True
        assert {job["job"] for job in state["jobs"]} == {"turn-1", "export-1"}
        again = await one.call("export", project="kept", output="one.mp4")
        assert again["job"] == "export-1"

    play(tmp_path, media, first)
    play(tmp_path, media, second)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            assert str(tmp_path).encode() not in path.read_bytes()
