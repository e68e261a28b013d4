#!/usr/bin/env python3
"""Writes the seed corpora: modules for `admission`, records with witnesses for `witness`, data for `batch`.

Modules are the small ones among the sample jobs; `modules` of assay-differential writes more. Witnesses are those of
specs/vectors/steps.json, batches those of specs/vectors/batch.json. Existing files stay.
"""

import hashlib
import json
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent
# Larger modules would be cut by -max_len, and are slow to mutate.
MODULE_SIZE_MAX = 20_000


def write(target: str, contents: list[bytes]) -> None:
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    print(f"{target}: {len(contents)} seeds")


def data(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def main() -> None:
    modules = [path.read_bytes() for path in sorted((ROOT / "jobs/wasm").glob("*.wasm"))]
    write("admission", [module for module in modules if len(module) <= MODULE_SIZE_MAX])
    steps = json.loads((ROOT / "specs/vectors/steps.json").read_text())["steps"]
    cases = json.loads((ROOT / "specs/vectors/batch.json").read_text())["cases"]
    counts = [bytes([int(case["header"]["count"]), int(case["header"]["blobCount"])]) for case in cases]
    write("batch", [count + data(case["data"]) for count, case in zip(counts, cases)])
    write("witness", [data(step["head"]) + data(step["root"]) + data(step["witness"]) for step in steps])


main()
