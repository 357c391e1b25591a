# ruff: noqa: E501  a corpus: rows stay on one line
"""Routing and GUI wording, both languages, with near-misses."""

from __future__ import annotations

import pytest

from game_music_maker.project.wording import route, without_window

ROUTED = {
    "export": [
        "export", "Export!", "please export the video", "导出", "导出视频", "帮我导出视频吧", "download", "download it now",
        "send me the video", "export 1080p MP4", "can you export the video as a webm please", "把视频发给我", "请导出",
        "下载视频", "导出为webm格式", "save the video",
    ],
    "credits": ["credits", "积分", "balance", "余额", "how many credits do I have left?", "what's my balance", "查看余额",
                "我还有多少积分？"],
    "state": ["status", "状态", "show tracks", "show me the timeline", "查看状态", "what's on the timeline", "list all tracks"],
    "upload": ["upload", "上传", "上传视频", "upload a file", "/videos/dungeon run.mp4", 'upload "my clip.mov"', "clip.mp4"],
}  # fmt: skip

NOT_ROUTED = [
    "add a title saying 'Export quality gear'", "balance the music and voice", "roll the credits at the end", "add credits",
    "show a status bar", "upload vibes music", "export the mood into section two", "download feels, calmer music",
    "add a title 导出", "把标题改成导出", "make the balance of the mix brighter", "set the music at 35%", "积分榜画面配乐",
    "状态栏加个标题", "render the title in gold", "show tracks of footprints in the snow", "mute the clip.mp4 sound",
    "save the day with heroic music", "generate looping fantasy background music for this dungeon", "",
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "message"), [(name, m) for name, all_ in ROUTED.items() for m in all_])
def test_a_message_that_is_a_request_goes_to_its_tool(wanted: str, message: str) -> None:
    found = route(message)
    assert found is not None
    assert found.route == wanted


@pytest.mark.parametrize("message", NOT_ROUTED)
def test_a_message_that_only_names_a_request_goes_to_the_backend(message: str) -> None:
    assert route(message) is None


def test_a_routed_export_keeps_its_format_and_an_upload_its_file() -> None:
    webm, upload = route("导出为webm格式"), route('upload "my clip.mov"')
    assert webm is not None
    assert webm.format == "webm"
    assert upload is not None
    assert upload.files == ("my clip.mov",)


@pytest.mark.parametrize(
    ("reply", "kept", "tools"),
    [
        ("I've added a lo-fi track at 35%. Click the Export button to download your video.",
         "I've added a lo-fi track at 35%.", ["export"]),
        ("已添加背景音乐。点击“导出”按钮即可下载。", "已添加背景音乐。", ["export"]),
        ("I've added music; click \"Export\" to download it.", "I've added music.", ["export"]),
        ("标题“点击开始”已添加，您可以在时间线中预览。", "标题“点击开始”已添加。", ["state"]),
        ("Drag the audio clip to the start of the timeline to move it.", "", ["send_message"]),
        ("打开素材库查看文件。已把音乐降到35%。", "已把音乐降到35%。", ["state"]),
        ("Done. To finish, check your account for billing details.", "Done.", ["credits"]),
    ],
)  # fmt: skip
def test_gui_steps_become_suggestions(reply: str, kept: str, tools: list[str]) -> None:
    text, actions = without_window(reply)
    assert text == kept
    assert [action.tool for action in actions] == tools


@pytest.mark.parametrize(
    "reply",
    [
        "Added a title that says 'Click to start' at 0:03.",
        "The beat drops at 0:12. The scene opens with a castle.",
        "The click track is muted.",
        "Press Start font was used for the title.",
        "Drag-racing footage cut on the beat.",
        'You can use the title "Our export quality gear" for longer.',
        "标题“点击开始”已添加。",
    ],
)
def test_descriptions_of_content_are_kept(reply: str) -> None:
    assert without_window(reply) == (reply, [])
