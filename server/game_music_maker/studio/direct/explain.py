"""What to say of words that were not understood: which, and the nearest thing that can be done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..replies import Said, say

_NEAREST: tuple[tuple[str, str], ...] = (
    (r"bright|contrast|saturat|colou?r|grad(?:e|ing)|filter|vintage|sepia|black and white|亮度|"
     r"对比|饱和|调色|滤镜|黑白|曝光|色调|美颜", "colours"),
    (r"backwards?|revers|倒放|反向播放", "backwards"),
    (r"freeze|定格|静帧|split|duplicate|copy|复制|分割", "pieces"),
    (r"\bfonts?\b|outline|shadow|transparen|opacity|animat|字体|粗|描边|阴影|透明|动画", "lettering"),
    (r"\bflip|mirror|镜像|翻转", "mirror"),
    (r"stabili[sz]|shak|防抖|稳定|抖动", "shake"),
    (r"voice-?over|narrat|speak|read (?:it|this) aloud|text to speech|\btts\b|配音|旁白|朗读|解说", "voice"),
    (r"sing|vocal|lyrics|rap|唱|歌词|人声", "singing"),
    (r"noise|denoise|echo|clean up|equali[sz]|噪|回声|杂音|混响|变声", "clean"),
    (r"sticker|emoji|logo|image|picture-in-picture|overlay|background|green ?screen|贴纸|表情|画中画|绿幕|抠图|"
     r"背景替换|马赛克|特效", "overlay"),
    (r"watermark|burn(?:ed|t)[- ]in|水印|台标|烧录", "burned"),
    (r"subtitle|transcri|caption|translate|字幕|转录|翻译", "transcript"),
    (r"zoom|pan\b|ken burns|放大|推近|缩放|运镜", "zoom"),
    (r"\b(?:4k|2k|720p|1080p|1440p|fps|frame rate|bitrate|resolution|quality)\b|分辨率|帧率|画质|清晰|码率", "quality"),
    (r"cut|scene|shot|切点|镜头|场景", "scene"),
    (r"generate|create|make|draw|video of|生成|画|制作", "footage"),
    (r"better|improve|nice|fix|professional|好看|优化|改善|更好|好一点|完善", "vague"),
)  # fmt: skip
"""Words of a wish that cannot be met → row ``cannot.*`` of the replies: the nearest thing that can be done."""
_GREETING = re.compile(
    r"\W*(?:(?:hi|hello|hey|thanks?|thank you|thx|ok(?:ay)?|great|cool|nice|perfect|awesome|"
    r"good|morning|evening|very|much|so|a lot|there|you|"
    r"that's|that is|this is|it's|lovely|wonderful|amazing|fine|"
    r"你好|您好|嗨|谢谢你?|多谢|太好了|太好啦|完美|很棒|可以了|好的?|辛苦了|早上好|太棒了|不错|很好|啊|呀|哈喽)\W*)+",
    re.IGNORECASE,
)
_LONGEST = 120


def explain(leftovers: Sequence[str]) -> tuple[Said, ...]:
    """A sentence or two for each leftover, in their order; a greeting gets a short word of help."""
    return tuple(_one(leftover) for leftover in leftovers)


def _one(leftover: str) -> Said:
    if _GREETING.fullmatch(leftover):
        return say("ready", examples=say("examples"))
    shown = leftover if len(leftover) <= _LONGEST else leftover[: _LONGEST - 3].rstrip() + "..."
    said = say("not_understood", words=shown)
    reasons = dict.fromkeys(id for part in _WISHES.split(leftover.lower()) if (id := _reason(part)))
    for id in reasons or filter(None, [_reason(leftover.lower())]):
        said += say(f"cannot.{id}")
    return said if len(said.ids) > 1 else said + say("cannot.other", examples=say("examples"))


_WISHES = re.compile(
    r"(?<!\bblack)\s+(?:and|then|plus)\s+|\s*[,，、;；]\s*|并且?|然后|再(?=[加把给])|"
    r"(?<=[\u3400-\u9fff])和(?=[加把给])"
)
"""What may stand between two wishes of one leftover: each gets its own explanation."""


def _reason(wish: str) -> str | None:
    return next((id for words, id in _NEAREST if re.search(words, wish)), None)
