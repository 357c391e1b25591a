"""Everything that is published, from SKILL.md and manifest.yaml: one command, no packages needed.

    python3 plugins/build.py skill -o DIR     the skill folder for ClawHub, OpenClaw and other skill folders
    python3 plugins/build.py mcpb  -o DIR     the MCP bundle's folder (`mcpb pack` makes the file of it)
    python3 plugins/build.py all   -o DIR     both
    python3 plugins/build.py sync             write the committed files of plugins/ anew
    python3 plugins/build.py check            1 where a committed file has drifted

SKILL.md's frontmatter is the one source of the name, the version and the description.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAME = "game-music-maker"
TITLE = "Game Music Maker"
SUMMARY = "Game footage and one sentence in, a scored video out. Runs on your machine, no account."
AUTHOR = {"name": "The Game Music Maker authors"}
REGISTRY_NAME = f"io.github.{NAME}/{NAME}"
PLUGIN = f"plugins/{NAME}"
BUNDLED = ("pyproject.toml", "SKILL.md", "manifest.yaml", "README.md", "LICENSE", "THIRD_PARTY.md", "server")
KEYWORDS = ["game-music", "soundtrack", "video", "audio", "midi"]


def frontmatter() -> dict[str, str]:
    """``version``, ``homepage`` and ``description`` as they stand in SKILL.md."""
    head = (ROOT / "SKILL.md").read_text(encoding="utf-8").split("---\n", 2)[1]
    found = {
        "version": re.search(r'(?m)^  version: "([^"]+)"$', head),
        "homepage": re.search(r"(?m)^  homepage: (\S+)$", head),
        "description": re.search(r"(?m)^description: >-\n((?:  .*\n)+)", head),
    }
    missing = [key for key, match in found.items() if match is None]
    if missing:
        raise SystemExit(f"SKILL.md's frontmatter has no {', '.join(missing)}.")
    values = {key: match[1] for key, match in found.items() if match}
    return values | {"description": " ".join(values["description"].split())}


def environment() -> list[dict[str, Any]]:
    """The optional variables that SKILL.md declares: name, description, secret."""
    head = (ROOT / "SKILL.md").read_text(encoding="utf-8").split("---\n", 2)[1]
    rows = re.findall(r"- name: ([A-Z_]+)\n\s+required: false\n\s+description: (.+)\n", head)
    return [{"name": name, "description": text, "secret": name.endswith("TOKEN")} for name, text in rows]


def server_entry(version: str) -> dict[str, Any]:
    return {"command": "uvx", "args": [f"{NAME}@{version}", "serve"]}


def deeplink(version: str) -> str:
    """The link that Cursor takes: the server's entry as base64 JSON."""
    entry = json.dumps(server_entry(version), separators=(",", ":")).encode()
    config = base64.b64encode(entry).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return f"cursor://anysphere.cursor-deeplink/mcp/install?name={NAME}&config={config}"


def plugin_files(meta: dict[str, str]) -> dict[str, Any]:
    """One plugin folder that Claude Code, Cursor and readers of the vendor-neutral format all take."""
    about = {
        "name": NAME,
        "version": meta["version"],
        "description": SUMMARY,
        "author": AUTHOR,
        "homepage": meta["homepage"],
        "license": "MIT",
        "keywords": KEYWORDS,
    }
    servers = {"mcpServers": {NAME: server_entry(meta["version"])}}
    neutral = {"mcpServers": {NAME: {"type": "stdio"} | server_entry(meta["version"])}}
    listing = {"name": NAME, "source": f"./{NAME}", "description": SUMMARY}
    market = {"name": NAME, "owner": AUTHOR, "metadata": {"description": SUMMARY}}
    return {
        "plugins/.claude-plugin/marketplace.json": market | {"plugins": [listing | {"category": "media"}]},
        "plugins/.cursor-plugin/marketplace.json": market | {"plugins": [listing]},
        f"{PLUGIN}/plugin.json": about,
        f"{PLUGIN}/.claude-plugin/plugin.json": about | {"mcpServers": "./.mcp.json"},
        f"{PLUGIN}/.cursor-plugin/plugin.json": about
        | {"displayName": TITLE, "mcpServers": "mcp.json", "skills": "skills"},
        f"{PLUGIN}/.mcp.json": servers,
        f"{PLUGIN}/mcp.json": neutral,
        f"{PLUGIN}/skills/{NAME}/SKILL.md": (ROOT / "SKILL.md").read_text(encoding="utf-8"),
    }


def registry_entry(meta: dict[str, str]) -> dict[str, Any]:
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": REGISTRY_NAME,
        "title": TITLE,
        "description": SUMMARY,
        "version": meta["version"],
        "websiteUrl": meta["homepage"],
        "packages": [
            {
                "registryType": "pypi",
                "identifier": NAME,
                "version": meta["version"],
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "packageArguments": [{"type": "positional", "value": "serve"}],
                "environmentVariables": [
                    {
                        "name": row["name"],
                        "description": row["description"],
                        "isRequired": False,
                        "isSecret": row["secret"],
                    }
                    for row in environment()
                ],
            }
        ],
    }


def tool_names() -> list[str]:
    text = (ROOT / "manifest.yaml").read_text(encoding="utf-8")
    block = re.search(r"(?m)^tools:\n((?:  - \w+\n)+)", text)
    return re.findall(r"- (\w+)", block[1]) if block else []


def bundle_manifest(meta: dict[str, str]) -> dict[str, Any]:
    def setting(kind: str, title: str, about: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "title": title, "description": about, "required": False} | more

    run = ["run", "--project", "${__dirname}", NAME, "serve"]
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": TITLE,
        "version": meta["version"],
        "description": SUMMARY,
        "long_description": meta["description"],
        "author": AUTHOR,
        "homepage": meta["homepage"],
        "license": "MIT",
        "keywords": KEYWORDS,
        "server": {
            "type": "uv",
            "entry_point": "server/game_music_maker/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": run,
                "env": {
                    "NEMO_TOKEN": "${user_config.nemo_token}",
                    "GAME_MUSIC_MAKER_OUTPUT_DIR": "${user_config.output_dir}",
                },
            },
        },
        "tools": [{"name": name} for name in tool_names()],
        "compatibility": {"platforms": ["darwin", "win32", "linux"], "runtimes": {"python": ">=3.11"}},
        "user_config": {
            "output_dir": setting("directory", "Folder for exports", "Where finished videos and sounds go."),
            "nemo_token": setting(
                "string",
                "NemoVideo token",
                "Only for the NemoVideo cloud. Left empty, everything stays on this machine.",
                sensitive=True,
            ),
        },
    }


def committed() -> dict[str, str]:
    """Path under the project → text, for every generated file that is kept in git."""
    meta = frontmatter()
    files = plugin_files(meta)
    files["plugins/server.json"] = registry_entry(meta)
    files["plugins/mcpb/manifest.json"] = bundle_manifest(meta)
    files["plugins/cursor-deeplink.txt"] = deeplink(meta["version"]) + "\n"
    return {
        path: value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        for path, value in files.items()
    }


def drifted() -> list[str]:
    wrong = []
    for path, text in committed().items():
        file = ROOT / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            wrong.append(path)
    return wrong


def sync() -> None:
    for path, text in committed().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8", newline="\n")


def build_skill(out: Path) -> Path:
    """`out`/game-music-maker with SKILL.md alone: no dotfiles, no manifests, nothing that runs."""
    folder = out / NAME
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "SKILL.md", folder / "SKILL.md")
    return folder


def build_mcpb(out: Path) -> Path:
    """`out`/mcpb: the manifest and the project's source, ready for ``mcpb pack``."""
    folder = out / "mcpb"
    if folder.exists():
        raise SystemExit(f"{folder} exists already; name another folder or remove it.")
    folder.mkdir(parents=True)
    for name in BUNDLED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif source.exists():
            shutil.copyfile(source, folder / name)
    text = json.dumps(bundle_manifest(frontmatter()), indent=2, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["skill", "mcpb", "all", "sync", "check"])
    parser.add_argument("-o", "--output", type=Path, default=Path("dist"))
    args = parser.parse_args()
    if args.what == "sync":
        sync()
    elif args.what == "check":
        wrong = drifted()
        if wrong:
            print(
                "These files have drifted; run `python3 plugins/build.py sync`:",
                *wrong,
                sep="\n  ",
                file=sys.stderr,
            )
        return 1 if wrong else 0
    else:
        out = args.output.expanduser()
        if args.what in ("skill", "all"):
            print(build_skill(out / "skill" if args.what == "all" else out))
        if args.what in ("mcpb", "all"):
            print(build_mcpb(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
