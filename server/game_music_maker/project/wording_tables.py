# ruff: noqa: E501  a row of a table stays on one line
"""Tables of `wording`: what a request for a tool looks like, and what a GUI step looks like, in English and Chinese."""

from __future__ import annotations

import re
from typing import Literal

Route = Literal["export", "credits", "state", "upload"]

FORMATS = r"(?:mp4|webm|mov|gif|wav|flac|mp3|m4a|ogg|kit)"
_SIZES = r"(?:\d{3,4}p|[48]k|hd|full hd|final|finished|high quality|full quality)"
_THING = (
    rf"(?:(?:the|this|that|my|our|a|an|it|me|us|whole|entire|{_SIZES}|{FORMATS}|video|clip|file|files|movie|film|result|"
    r"project|render|timeline|version|now|please|out|again|footage|media|engine|game)\b ?)*"
)
_AS = rf"(?:(?:as|to|in|into) (?:an? )?(?:{_SIZES} )?{FORMATS}(?: (?:file|video|format))?)?"
_VIDEO_ZH = rf"(?:(?:我的|这个|这段|该|最终|成品|整个|一下|{_SIZES})*(?:视频|影片|片子|成片|作品|文件|短片|项目|结果|音乐|{FORMATS})?)"
_AS_ZH = rf"(?:(?:为|成|成为|到|格式为)?{FORMATS}(?:格式|文件|视频)?)?"

ROUTE_ROWS: tuple[tuple[Route, str], ...] = (
    ("export", rf"(?:export|download|render)(?: {_THING})?(?: ?{_AS})?"),
    ("export", rf"save {_THING}(?:video|file|clip|result|movie|mp4)(?: ?{_AS})?"),
    ("export", rf"(?:send|give) me (?:the |my )?(?:{_SIZES} )?(?:{FORMATS} )?(?:video|file|clip|result|movie|{FORMATS})"),
    ("export", rf"(?:导出|下载|输出){_VIDEO_ZH}{_AS_ZH}"),
    ("export", rf"(?:把|将){_VIDEO_ZH}(?:导出|下载|输出|发给我|发我|传给我)(?:来|出来|下来)?{_AS_ZH}"),
    ("export", rf"(?:发给我|发我|给我)(?:我的|这个|最终)?(?:视频|成片|文件|{FORMATS})"),
    ("credits", r"(?:(?:check|show|see|get|view|what is|whats|how much is) )?(?:me )?(?:the |my |our )?(?:remaining |current |available )?"
                r"(?:credits?|balance|credits? balance|account balance)(?: left| remaining| balance| status)?"),
    ("credits", r"how many credits? (?:do i have|have i(?: got)?|are)(?: left| remaining| there)*"),
    ("credits", r"(?:查看|查询|查|看|显示|看看|查一下|看一下)?(?:一下)?(?:我的|账户|帐户|剩余|当前)*(?:积分|余额|点数)(?:余额)?(?:还?有?(?:多少|剩多少|剩下多少)|是多少|查询)?"),
    ("credits", r"(?:我)?(?:还)?(?:有|剩|剩下|剩余)(?:有)?多少(?:积分|余额|点数)"),
    ("state", r"(?:(?:check|show|see|get|view|what is|whats) )?(?:me )?(?:the |my |all |current |project |our )*"
              r"(?:status|state|tracks?|timeline|track list)(?: status| summary| please)?"),
    ("state", r"(?:list|display) (?:the |my |all )*tracks|what is (?:in|on) (?:the|my) timeline"),
    ("state", r"(?:查看|查询|查|看|显示|看看|列出|检查)?(?:一下)?(?:当前|项目|我的|所有|现在的?|时间线|的)*(?:状态|轨道|时间线|音轨列表|轨道列表)"),
    ("state", r"时间线(?:上|里|中)?(?:有|是)(?:什么|哪些)"),
    ("upload", r"upload(?: (?:the|this|that|my|a|an|some|another|new|more|video|clip|file|files|footage|clips|videos|image|images|"
               r"music|song|it|here))*"),
    ("upload", r"(?:我要|我想|想)?(?:上传)(?:一个|一段|一些|这个|这段|我的|新的|新|更多)*(?:视频|文件|素材|图片|音乐|片段|音频)?"),
)  # fmt: skip
POLITE = re.compile(
    r"^(?:(?:ok|okay|hi|hey|hello|please|pls|now|then|and|so|great|thanks|perfect|good|yes|just)\b ?|"
    r"(?:can|could|would|will) you (?:please )?|(?:i(?:'d| would)? (?:like|want|need) (?:you )?to )|let us |lets |go ahead and |"
    r"好的?|请你?|麻烦你?|帮我|帮忙|给我(?=导出|下载|查)|可以|能不能|我想要?(?=导出|下载|查|看)|我要(?=导出|下载|查|看)|现在|那就|就)+"
)
TAIL = re.compile(r"(?: ?(?:please|pls|now|thanks|thank you|for me|then)|吧|谢谢|一下|了|好吗|吗|呢|啊)+$")
_MEDIA = r"\.(?:mp4|mov|avi|webm|mkv|jpe?g|png|gif|webp|mp3|wav|m4a|aac)"
PATH = re.compile(
    rf"^(?:(?:please )?upload |上传 ?)?(?:['\"](?P<quoted>[^'\"\n]+{_MEDIA})['\"]"
    rf"|(?P<bare>(?:https?://|[a-z]:[\\/]|~?/|\.{{1,2}}/)[^'\"\n]*{_MEDIA}(?:\?\S*)?|[^\s'\"/]+{_MEDIA}))$",
    re.I,
)


_BUTTON = (
    r"(?:button|icon|tab|menu|panel|option|link|toolbar|dropdown|checkbox|slider|dialog|window|sidebar|page|handle)"
)
_LEAD = (
    r"^(?:(?:now|then|next|finally|first|and|or|to \w[^,]{0,60},|once \w[^,]{0,60},|if \w[^,]{0,60},|when \w[^,]{0,60},|"
    r"you(?:'ll)? (?:can|may|could|should|need to|have to|will need to|just need to)(?: now| also| then)?|please|just|simply|"
    r"feel free to|go ahead and|try to|it is time to|alternatively,?|\d+[.)]|[-*•])\s*,?\s*)*"
)
_LEAD_ZH = r"^(?:(?:您|你)?(?:现在|然后|接着|最后|首先|请|可以|只需|需要|再|也可以|就可以|即可|如需[^，,]{0,20}[，,]|如果[^，,]{0,20}[，,]|[-*•]|\d+[.、])*)*"
_WINDOW_ZH = r"(?:按钮|图标|菜单|面板|选项卡?|标签页?|界面|窗口|工具栏|对话框|页面|链接|按键)"
GUI_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("export", "export", "The service points to its export button.",
     rf"{_LEAD}(?:(?:click|tap|press|hit|choose|select|use)\b[^.!?]{{0,80}}\b(?:export|download)\b|"
     rf"(?:export|download) (?:button|icon|menu|tab)|(?:go|head|navigate) to\b[^.!?]{{0,40}}\bexport\b)"),
    ("export", "export", "The service points to its export button.",
     rf"{_LEAD_ZH}(?:点击|单击|点按|点|按|选择)[^。！？]{{0,30}}(?:导出|下载)|{_LEAD_ZH}(?:导出|下载){_WINDOW_ZH}"),
    ("export", "export", "The service says that the timeline can be exported.",
     rf"{_LEAD}export (?:it|your|the|this|when|whenever|as)\b|{_LEAD_ZH}(?:导出|下载)(?:您|你|视频|成片|即可|吧|了)"),
    ("credits", "credits", "The service points to the account page.",
     rf"{_LEAD}(?:check|visit|open|go to|see|view|manage|review)\b[^.!?]{{0,40}}\b(?:account|billing|subscription|credits?)\b|"
     rf"{_LEAD_ZH}(?:查看|检查|打开|前往|进入|访问)[^。！？]{{0,20}}(?:账户|帐户|账单|订阅|积分|余额)"),
    ("upload", "upload", "The service asks for a file.",
     rf"{_LEAD}(?:(?:click|tap|press|use|select)\b[^.!?]{{0,60}}\bupload\b|(?:drag|drop)(?![-\w])[^.!?]{{0,60}}\b(?:file|files|footage|clip here|upload area)\b)|"
     rf"{_LEAD_ZH}(?:点击|单击|点按)[^。！？]{{0,30}}上传|{_LEAD_ZH}(?:将|把)?[^。！？]{{0,20}}(?:拖拽|拖放|拖动|拖入)[^。！？]{{0,20}}(?:文件|素材|上传)"),
    ("preview", "state", "The service offers a preview in its window; the tracks are in the timeline summary.",
     rf"{_LEAD}(?:preview|watch|play back|review|see|view|check|scrub)\b[^.!?]{{0,60}}\b(?:in|on) (?:the|your) (?:timeline|preview|player|editor|canvas)\b|"
     rf"{_LEAD_ZH}(?:在)?[^。！？]{{0,20}}(?:时间线|时间轴|预览窗口|播放器|编辑器)(?:上|中|里)?[^。！？]{{0,10}}(?:预览|查看|播放)|"
     rf"{_LEAD}(?:click|tap|press|hit)\b[^.!?]{{0,40}}\b(?:play|preview)\b"),
    ("edit", "send_message", "The service describes dragging; say the change in words instead.",
     rf"{_LEAD}(?:drag|drag and drop|drag-and-drop|drop|resize|slide)(?![-\w])(?! in\b)[^.!?]{{0,80}}\b(?:to|onto|into|on|the|your|from|handle|edges?)\b|"
     rf"{_LEAD_ZH}(?:将|把)?[^。！？]{{0,20}}(?:拖拽|拖动|拖放|拖到|拖入)"),
    ("look", "state", "The service points to a panel; its data is in the state.",
     rf"{_LEAD}(?:open|expand|go to|head to|navigate to|switch to)\b[^.!?]{{0,60}}\b(?:{_BUTTON}|timeline|editor|settings|properties|library|inspector|workspace)\b|"
     rf"{_LEAD_ZH}(?:打开|展开|进入|切换到|前往)[^。！？]{{0,20}}(?:{_WINDOW_ZH}|时间线|时间轴|编辑器|设置|属性|素材库)"),
    ("edit", "send_message", "The service describes a button; say the change in words instead.",
     rf"{_LEAD}(?:(?:left|right|double)[- ])?(?:(?:click|tap)\b(?: on)?\s(?!track)|press (?:on |the |any |\S+ (?:button|key)))|{_LEAD_ZH}(?:点击|单击|双击|右键|点按|轻点)"),
)  # fmt: skip
QUOTED = re.compile(
    r"\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|「[^」\n]{1,200}」|『[^』\n]{1,200}』|《[^》\n]{1,200}》|(?<!\w)'[^'\n]{1,200}'(?!\w)"
)
CLAUSES = re.compile(r"(?<=[.!?])(?<!\d\.)(?:\s+)|(?<=[。！？])|(\n+)|(?<=;)\s+|(?<=；)|\s+[—–]\s+|,\s+(?=(?:and|then|or|so)\b|(?:you can|please|just|simply|click|drag|open|tap)\b)|，(?=(?:然后|再|请|您可以|你可以|可以|点击|打开|拖|并))|\s+(?=(?:and then|then) (?:click|drag|open|tap|press)\b)", re.I)  # fmt: skip
