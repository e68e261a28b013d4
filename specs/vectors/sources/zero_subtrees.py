"""Writes zero_subtrees.json: hashes of all-zero subtrees of the memory tree, from the definition in chapter 2.

Run: python3 zero_subtrees.py > ../zero_subtrees.json        (needs the PyPI packages pycryptodome and blake3)
"""

import json

import blake3
from Crypto.Hash import keccak


def keccak256(data):
    return keccak.new(digest_bits=256, data=data).digest()


def heights(node, last):
    out = []
    for _ in range(last + 1):
        out.append("0x" + node.hex())
        node = keccak256(node + node)
    return out


document = {
    "source": "specs/vectors/sources/zero_subtrees.py: the definition in chapter 2, hashes by the PyPI packages pycryptodome and blake3. Not from Assay's code.",
    "zero_control": heights(keccak256(bytes(256)), 28),
    "zero_bulk": heights(blake3.blake3(bytes(4096)).digest(), 24),
}
print(json.dumps(document, indent=1))
