#!/usr/bin/env python3
"""Writes the seed corpora: modules for `admission`, records with witnesses for `witness`.

Modules are the sample jobs; witnesses are those of specs/vectors/steps.json. Existing files stay.
"""

import hashlib
import json
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent


def write(target: str, contents: list[bytes]) -> None:
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    print(f"{target}: {len(contents)} seeds")


def data(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def main() -> None:
    write("admission", [path.read_bytes() for path in sorted((ROOT / "jobs/wasm").glob("*.wasm"))])
    steps = json.loads((ROOT / "specs/vectors/steps.json").read_text())["steps"]
    write("witness", [data(step["head"]) + data(step["root"]) + data(step["witness"]) for step in steps])


main()
