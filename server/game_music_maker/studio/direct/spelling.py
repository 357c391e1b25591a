"""Words of the trade that are often mistyped, put right: a letter too many or too few, or two swapped.

No letter is ever replaced by another ("tower" is no "lower"), and only long words that no other English word comes
near are tried, so that names and titles stay as they are.
"""

from __future__ import annotations

from functools import lru_cache

_WORDS = (
    "background", "battle", "brighter", "bottom", "calmer", "caption", "chiptune", "crossfade", "cyberpunk", "delete",
    "dungeon", "energetic", "exploration", "faster", "fantasy", "generate", "guitar", "instrument", "instrumental",
    "louder", "melody", "mysterious", "music", "mute", "orchestral", "orchestra", "original", "peaceful", "percussion",
    "picture", "quieter", "rotate", "second", "seconds", "section", "slideshow", "slower", "soundtrack", "spectrum",
    "subtitle", "synthwave", "title", "transition", "vertical", "video", "violin", "volume", "waveform",
)  # fmt: skip
_KNOWN = frozenset(_WORDS)
_LEAST = 5


@lru_cache(maxsize=2048)
def spelled(word: str) -> str:
    """The word meant by a lower-case `word`: itself, or the one of the trade that is a slip of the keys away."""
    if len(word) < _LEAST or word in _KNOWN or word.removesuffix("s") in _KNOWN:
        return word
    plural = word.endswith("s") and not word.endswith("ss")
    near = _near(word) or (f"{found}s" if plural and (found := _near(word[:-1])) else "")
    return near or word


def _near(word: str) -> str:
    if word in _KNOWN:
        return word
    found = [known for known in _WORDS if abs(len(known) - len(word)) <= 1 and _slip(word, known)]
    return found[0] if len(found) == 1 and len(found[0]) >= _LEAST else ""


def _slip(word: str, known: str) -> bool:
    """One letter inserted, left out, or two neighbours swapped; the first letter is right."""
    if word[0] != known[0]:
        return False
    if len(word) == len(known):
        apart = [i for i, (a, b) in enumerate(zip(word, known, strict=True)) if a != b]
        return len(apart) == 2 and apart[1] == apart[0] + 1 and word[apart[0]] == known[apart[1]] and (
            word[apart[1]] == known[apart[0]]
        )  # fmt: skip
    longer, shorter = (word, known) if len(word) > len(known) else (known, word)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(1, len(longer)))
