"""Reads `cases.txt`: one job, one input, and the answer that is expected."""

from pathlib import Path
from typing import NamedTuple

JOBS = Path(__file__).parent.parent


class Case(NamedTuple):
    job: str
    input: Path
    exit: int
    stdout: Path | None
    stderr: str


def read() -> list[Case]:
    cases = []
    for line in (JOBS / "cases.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            job, given, code, stdout, *stderr = line.split(None, 4)
            expected = None if stdout == "-" else JOBS / "expected" / stdout
            cases.append(Case(job, JOBS / "inputs" / given, int(code), expected, "".join(stderr)))
    return cases
