"""Write the pages of docs/ that say what the code says: settings, commands, tools, palettes.

python scripts/docs.py          write them anew
python scripts/docs.py --check  1 where a page has drifted
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from game_music_maker.cli.main import COMMANDS, build
from game_music_maker.studio.music.library import Palette, library
from game_music_maker.studio.sound.bank import Bank
from game_music_maker.tools.catalogue import TOOLS

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Written by scripts/docs.py; change the source, not this page. -->\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


INTRO = {
    "settings": """# Settings

Environment variables, all optional, read in one place (`settings.py`). A value that still holds an
unexpanded `${…}` counts as unset; a wrong value is an error that names the variable.
""",
    "commands": """# Commands

Exit status: 0 done · 1 failed · 2 wrong usage · 3 still running · 130 interrupted. With `--json` a command
writes the tool's structured answer to stdout and nothing else. `uvx game-music-maker …` runs any of them
without an installation.
""",
    "tools": """# Tools

What `tools/list` of the MCP server tells. The answers' fields are in [agents.md](agents.md).
""",
    "palettes": """# Palettes and moods

A brief may name a scene and a style ("chiptune boss battle"): tempo, form, harmony and drums then come from
the scene, instruments and room from the style. Moods move the result.
""",
}


def _head(page: str) -> str:
    title, rest = INTRO[page].split("\n", 1)
    return f"{title}\n\n{NOTE}{rest}"


def settings_page() -> str:
    manifest = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))
    rows = [[f"`{name}`", row["meaning"], row["default"]] for name, row in manifest["environment"].items()]
    return _head("settings") + "\n" + _table(["variable", "meaning", "default"], rows)


def _option(action: argparse.Action) -> list[str]:
    """One argument as a row. Not argparse's own layout, which differs between versions of Python."""
    takes = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
    if action.nargs == 0:
        takes = ""
    elif action.choices is not None:
        takes = " | ".join(map(str, action.choices))
    elif takes is None:
        takes = action.dest.upper()
    names = ", ".join(action.option_strings)
    dots = "…" if action.nargs in ("*", "+") else ""
    shown = " ".join(filter(None, [names, takes + dots]))
    return [f"`{shown}`", action.help or ""]


def commands_page() -> str:
    parsers = next(action for action in build("*")._actions if action.dest == "command").choices
    blocks = [_head("commands")]
    for name, (_, words) in COMMANDS.items():
        actions = [a for a in parsers[name]._actions if a.dest != "help" and a.help != argparse.SUPPRESS]
        rows = [_option(action) for action in sorted(actions, key=lambda a: bool(a.option_strings))]
        blocks.append(
            f"\n## {name}\n\n{words[0].upper()}{words[1:]}.\n\n" + _table(["argument", "meaning"], rows)
        )
    return "".join(blocks)


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "anyOf" in schema:
        return " or ".join(_type(branch) for branch in schema["anyOf"])
    return str(schema.get("type", "object"))


def tools_page() -> str:
    blocks = [_head("tools")]
    for tool in TOOLS:
        schema = tool.schema()
        required = schema.get("required", [])
        rows = [
            [f"`{name}`" + ("" if name in required else "?"), _type(about), about.get("description", "")]
            for name, about in schema["properties"].items()
        ]
        blocks.append(f"\n## {tool.name}\n\n{tool.description}\n")
        if rows:
            blocks.append("\n" + _table(["argument", "type", "meaning"], rows))
    return "".join(blocks)


def _palette_block(palette: Palette, name_of: Callable[[int], str]) -> str:
    low, usual, high = palette.bpm
    unit = "dotted quarters" if palette.bpm_unit == "dq" else "quarters"
    parts = [
        f"{part.role}: {part.synth or ('drum kit' if part.gm == 'drums' else name_of(part.gm[0]))}"
        for part in palette.parts
    ]
    modes = sorted(palette.modes, key=lambda mode: -palette.modes[mode])
    return (
        f"\n### {palette.names['en']} · {palette.names['zh']}\n\n"
        f"`{palette.id}`, {palette.kind}. {low:g}–{high:g} {unit} a minute, usually {usual:g}; "
        f"{', '.join(palette.meter)}; {', '.join(modes)}.\n\n"
        f"Sounds like: {palette.texture.rstrip('.')}. Parts: {', '.join(parts)}.\n\n"
        f"Said as: {', '.join([*palette.aliases.en[:8], *palette.aliases.zh[:6]])}.\n"
    )


def _leaning(value: float, low: str, middle: str, high: str) -> str:
    return low if value < -0.15 else high if value > 0.15 else middle


def palettes_page() -> str:
    table = library()
    bank = Bank.open()

    def name_of(program: int) -> str:
        return bank.preset_name(0, program).lower()

    blocks = [_head("palettes"), "\n## Palettes\n"]
    blocks += [_palette_block(palette, name_of) for palette in table.palettes.values()]
    rows = [
        [
            f"`{mood.id}`",
            _leaning(mood.v, "dark", "neutral", "bright"),
            _leaning(mood.a - 0.5, "calm", "moderate", "lively"),
            _leaning(mood.t - 0.5, "at ease", "some tension", "tense"),
            ", ".join([*mood.en[:5], *mood.zh[:4]]),
        ]
        for mood in table.moods.values()
    ]
    blocks.append("\n## Moods\n\n" + _table(["mood", "colour", "pace", "tension", "said as"], rows))
    return "".join(blocks)


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "tools.md": tools_page,
    "palettes.md": palettes_page,
}


def drifted() -> list[str]:
    """Names of the pages whose file differs from what the code says."""
    wrong = []
    for name, write in PAGES.items():
        page = ROOT / "docs" / name
        if not page.is_file() or page.read_text(encoding="utf-8") != write():
            wrong.append(name)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        wrong = drifted()
        if wrong:
            sys.stderr.write(f"Drifted: {', '.join(wrong)}. Run `python scripts/docs.py`.\n")
        return 1 if wrong else 0
    for name, write in PAGES.items():
        (ROOT / "docs" / name).write_text(write(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
