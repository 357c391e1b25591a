"""What to say of words that were not understood: which, and the nearest thing that can be done."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NEAREST: tuple[tuple[str, str], ...] = (
    (
        (
            r"bright|contrast|saturat|colou?r|grad(?:e|ing)|filter|vintage|sepia|black and white|亮度|"
            r"对比|饱和|调色|滤镜|黑白|曝光"
        ),
        "The colours of the picture cannot be changed; its shape, speed, cuts and titles can.",
    ),
    (r"\bflip|mirror|镜像|翻转", "The picture cannot be mirrored; it can be rotated by 90, 180 or 270 degrees."),
    (r"stabili[sz]|shak|防抖|稳定", "Shaky footage cannot be steadied; parts of it can be cut out."),
    (
        r"voice-?over|narrat|speak|read (?:it|this) aloud|text to speech|\btts\b|配音|旁白|朗读|解说",
        "No voice can be made; upload a recording and it becomes a sound track, or put the words on the picture.",
    ),
    (r"sing|vocal|lyrics|rap|唱|歌词|人声", "The music has no sung words; a choir without words can be added."),
    (
        r"noise|denoise|echo|clean up|equali[sz]|噪|回声|杂音",
        "The recording cannot be cleaned; its sound can be made quieter, muted or ducked.",
    ),
    (
        (
            r"sticker|emoji|logo|image|picture-in-picture|overlay|background|green ?screen|贴纸|表情|"
            r"画中画|绿幕|抠图|背景替换"
        ),
        "Pictures cannot be laid over pictures; words can, and images can be shown one after the other.",
    ),
    (
        r"subtitle|transcri|caption|translate|字幕|转录|翻译",
        (
            "Speech cannot be turned into words; say which words to show and when, such as: add the "
            'caption "Run!" at 0:12 for 3 s.'
        ),
    ),
    (
        r"zoom|pan\b|ken burns|放大|推近|缩放",
        "There are no camera moves; the picture can be cropped to another shape, such as 9:16.",
    ),
    (
        r"\b(?:4k|2k|720p|1080p|1440p|fps|frame rate|bitrate|resolution|quality)\b|分辨率|帧率|画质|清晰",
        "Size and quality are chosen at export: format, and quality draft, standard or high.",
    ),
    (r"cut|scene|shot|切点|镜头|场景", "That cut or scene was not found; name a time instead, such as 0:20."),
    (
        r"generate|create|make|draw|video of|生成|画|制作",
        "Footage cannot be made; music can, with a moving picture of it: say its style and mood.",
    ),
    (
        r"better|improve|nice|fix|professional|好看|优化|改善|更好|好一点",
        'Say what should change, such as: music at 35%, calmer, title "Level 1" at the top for 3 s.',
    ),
)
_GREETING = re.compile(
    r"\W*(?:(?:hi|hello|hey|thanks?|thank you|thx|ok(?:ay)?|great|cool|nice|perfect|awesome|"
    r"good|morning|evening|very|much|so|a lot|there|you|"
    r"你好|您好|嗨|谢谢你?|多谢|好的?|辛苦了|早上好|太棒了|不错|很好|啊|呀|哈喽)\W*)+",
    re.IGNORECASE,
)
EXAMPLES = 'music at 35%, trim to the first 30 seconds, title "Level 1" at the top for 3 s, crop to 9:16'


def explain(leftovers: Sequence[str]) -> tuple[str, ...]:
    """One sentence or two for each leftover, in their order; a greeting gets a short word of help."""
    return tuple(_one(leftover) for leftover in leftovers)


def _one(leftover: str) -> str:
    if _GREETING.fullmatch(leftover):
        return f"Ready: describe the music that you want, or an edit such as {EXAMPLES}."
    shown = leftover if len(leftover) <= 120 else leftover[:117].rstrip() + "..."
    low = leftover.lower()
    for words, nearest in _NEAREST:
        if re.search(words, low):
            return f"Not understood: '{shown}'. {nearest}"
    return f"Not understood: '{shown}'. What can be done: {EXAMPLES}."
