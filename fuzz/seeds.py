#!/usr/bin/env python3
"""Writes the seed corpora: modules, records with witnesses, data of batches, texts of the RPC interface.

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
    hash_, address, signature = "0x" + "ab" * 32, "0x" + "cd" * 20, "0x" + "01" * 65
    blob = {"root": hash_, "length": "0x5"}
    request = {"client": address, "region": hash_, "program": hash_, "input": blob, "fuelLimit": "0x1", "outputLengthMax": "0x2"}
    request |= {"feeMax": "0x3", "deadline": "0x4", "nonce": "0x5"}
    result = {"task": hash_, "attempt": "0x0", "executor": address, "status": "0x1", "code": "0x0", "fuelUsed": "0x9", "output": blob}
    signed = {"result": result, "signature": signature}
    decline = {"task": hash_, "attempt": "0x0", "executor": address, "reason": "busy", "words": "no"}
    # The first byte is the kind, as the target counts them.
    texts = {0: [request, None], 1: [hash_, hash_], 2: [address, address], 3: [signature, "0x"], 4: ["0x7", "weather"]}
    texts |= {5: [signed, "0x"], 6: [decline], 7: request, 8: signed, 9: decline, 10: blob}
    seeds = [bytes([kind]) + json.dumps(text).encode() for kind, text in texts.items()]
    token = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDB9.AAAA"
    write("rpc", [*seeds, bytes([18]) + f"/v1/blobs/{hash_}-5".encode(), bytes([19]) + token.encode()])
    write("evidence", [count + b"\2" + data(case["data"]) for count, case in zip(counts, cases)])
    write("witness", [data(step["head"]) + data(step["root"]) + data(step["witness"]) for step in steps])


main()
