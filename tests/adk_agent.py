"""Google ADK's own server with a scripted model: `python adk_agent.py FOLDER PORT` serves an agent on loopback.

FOLDER is empty; the agent's package is made in it, because ADK finds agents by folder. Needs the `adk` extra.
"""

from __future__ import annotations

import sys
from pathlib import Path

AGENT = """
import asyncio
from google.adk.agents import Agent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.tools import ToolContext
from google.genai import types


def said(*parts, **more):
    return LlmResponse(content=types.Content(role="model", parts=list(parts)), **more)


class Scripted(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        last = llm_request.contents[-1].parts[-1]
        if last.function_response is not None:
            words = last.function_response.response.get("then") or ""
            yield said(*([types.Part(text=words)] if words else []), finish_reason="STOP")
        elif "fail" in (last.text or ""):
            raise RuntimeError('upstream said "quota"\\nretry later')
        else:
            then = "" if "silent" in (last.text or "") else "The music is on the timeline."
            call = types.FunctionCall(name="edit", args={"then": then})
            yield said(types.Part(function_call=call))


def edit(then: str, tool_context: ToolContext) -> dict:
    tool_context.state["draft"] = {"t": []}
    return {"then": then}


root_agent = Agent(name="nemo_agent", model=Scripted(model="scripted"), instruction="score", tools=[edit])
"""


def main(folder: Path, port: int) -> None:
    import uvicorn
    from google.adk.cli.fast_api import get_fast_api_app  # type: ignore[import-not-found]

    package = folder / "nemo_agent"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import agent\n")
    (package / "agent.py").write_text(AGENT)
    app = get_fast_api_app(agents_dir=str(folder), web=False, session_service_uri="memory://")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
