"""The process table of Linux, as the benches read it: who comes from whom, and what a family of processes weighs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

Process = tuple[int, str]
"""Number and start time: the two together name a process for good."""


def living() -> dict[Process, tuple[int, str]]:
    """All processes that have not ended, with their parent's number and their name; empty where there is no table."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if fields[0] != "Z":
            found[int(entry.name), fields[19]] = (int(fields[1]), name)
    return found


def descendants(root: int) -> dict[Process, str]:
    """The processes that come from `root`, encoders and workers among them, and their names."""
    table, parents = living(), {root}
    found: dict[Process, str] = {}
    while fresh := {one: name for one, (parent, name) in table.items() if parent in parents and one not in found}:
        found |= fresh
        parents = {number for number, _ in fresh}
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of one process; 0 where it cannot be read."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1000


def proportional_mb(pid: int) -> float:
    """Memory of one process, pages shared with others counted by their share."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1000


def _kilobytes(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


class Peak:
    """The most that a process and all below it weigh together, in MB, by `weigh`, looked at every `every_s`."""

    def __init__(self, pid: int, weigh: Callable[[int], float] = resident_mb, every_s: float = 0.1) -> None:
        self._pid, self._weigh, self._every_s = pid, weigh, every_s
        self._peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(self._every_s):
            family = (self._pid, *(number for number, _ in descendants(self._pid)))
            self._peak = max(self._peak, sum(map(self._weigh, family)))

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._peak
