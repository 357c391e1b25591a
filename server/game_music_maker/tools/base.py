"""What a tool is: a name, words for the model, arguments and the work. Knows no protocol."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InvalidArgument, MusicMakerError

if TYPE_CHECKING:
    from .context import ToolContext


class Arguments(BaseModel):
    """Arguments of a tool; unknown ones are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ProjectName = Annotated[str | None, Field(max_length=80, description="Default: the last used.")]
WaitSeconds = Annotated[float, Field(ge=0, le=600, description='Seconds to wait before it answers "running".')]


@dataclass(frozen=True, slots=True)
class Answer:
    """`data`: the structured answer. `files`: files that it names, given as links too. `picture`: a PNG."""

    data: dict[str, Any]
    files: tuple[Path, ...] = ()
    picture: bytes | None = None


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class ToolSpec(Generic[A]):
    """One tool. `description` is what a model reads; `run` does it and raises errors of the tree."""

    name: str
    title: str
    description: str
    arguments: type[A]
    run: Callable[[ToolContext, A], Awaitable[Answer]]
    read_only: bool = False
    idempotent: bool = False
    _schema: dict[str, Any] = field(default_factory=dict, compare=False)

    def schema(self) -> dict[str, Any]:
        """The arguments' JSON schema, without what tells a model nothing (titles, null branches)."""
        found = _slim(self.arguments.model_json_schema())
        return {
            "type": "object",
            "properties": found.get("properties", {}),
            "additionalProperties": False,
        } | ({"required": found["required"]} if "required" in found else {})

    def parse(self, raw: dict[str, Any]) -> A:
        """Read the arguments; lists and objects that came as JSON text are unpacked (some hosts send them
        so).

        Raises:
            InvalidArgument: unknown, missing or wrong ones, all named.
        """
        given = {key: _unpacked(value, key) for key, value in raw.items()}
        try:
            return self.arguments.model_validate(given)
        except ValidationError as error:
            raise InvalidArgument(self._complaint(error), next="Correct the arguments and call again.") from None

    def _complaint(self, error: ValidationError) -> str:
        known = ", ".join(self.arguments.model_fields) or "no arguments"
        said = []
        for found in error.errors(include_url=False, include_input=False)[:6]:
            place = ".".join(str(part) for part in found["loc"])[:80]
            if found["type"] == "extra_forbidden" and len(found["loc"]) == 1:
                said.append(f"Unknown argument '{place}': {self.name} takes {known}")
            elif found["type"] == "missing":
                said.append(f"'{place}' is missing")
            else:
                said.append(f"'{place}': {_plain(found['msg'])}")
        return "; ".join(said) + "."


_PACKED = ("files", "score")


def _unpacked(value: Any, key: str) -> Any:
    if key in _PACKED and isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _plain(message: str) -> str:
    return (message[:1].lower() + message[1:]).rstrip(".")[:200]


def _slim(node: Any) -> Any:
    if isinstance(node, list):
        return [_slim(item) for item in node]
    if not isinstance(node, dict):
        return node
    branches = [branch for branch in node.get("anyOf", []) if branch != {"type": "null"}]
    if "anyOf" in node and len(branches) == 1:
        node = {**{key: value for key, value in node.items() if key != "anyOf"}, **branches[0]}
    return {
        key: {name: _slim(item) for name, item in value.items()} if key == "properties" else _slim(value)
        for key, value in node.items()
        if key not in ("title", "$defs") and not (key == "default" and value is None)
    }


def failure(error: MusicMakerError) -> dict[str, Any]:
    """The structured answer of a call that failed."""
    return {"message": error.message, "next": error.next, "error": error.to_dict()}
