"""Writes blake3_chunks.json: pages and their BLAKE3 digests.

Digests come from the `blake3` package of PyPI (the official implementation). Chunk values come from the plain
implementation below, written after the BLAKE3 paper and checked here against the package's digests.

Run: python3 blake3_chunks.py > ../blake3_chunks.json
"""

import json
import struct

import blake3

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
MASK = 0xFFFFFFFF


def rotate(x, n):
    return (x >> n | x << (32 - n)) & MASK


def mix(v, a, b, c, d, x, y):
    for m, r1, r2 in ((x, 16, 12), (y, 8, 7)):
        v[a] = v[a] + v[b] + m & MASK
        v[d] = rotate(v[d] ^ v[a], r1)
        v[c] = v[c] + v[d] & MASK
        v[b] = rotate(v[b] ^ v[c], r2)


def compress(chain, block, counter, flags):
    m = list(struct.unpack("<16I", block))
    v = chain + IV[:4] + [counter, 0, 64, flags]
    for _ in range(7):
        for i in range(4):
            mix(v, i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[p] for p in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def chunk(data, counter):
    chain = IV
    for i in range(16):
        chain = compress(chain, data[64 * i : 64 * i + 64], counter, (1 if i == 0 else 0) | (2 if i == 15 else 0))
    return struct.pack("<8I", *chain)


def parent(left, right, flags=4):
    return struct.pack("<8I", *compress(IV, left + right, 0, flags))


patterns = {
    "zero": bytes(4096),
    "ones": b"\xff" * 4096,
    "i mod 251": bytes(i % 251 for i in range(4096)),
    "xof": blake3.blake3(b"assay").digest(length=4096),
}
pages = []
for name, page in patterns.items():
    values = [chunk(page[1024 * i : 1024 * i + 1024], i) for i in range(4)]
    digest = blake3.blake3(page).digest()
    assert parent(parent(values[0], values[1]), parent(values[2], values[3]), 12) == digest
    pages.append({"name": name, "page": "0x" + page.hex(), "chunks": ["0x" + v.hex() for v in values], "digest": "0x" + digest.hex()})

document = {
    "source": "specs/vectors/sources/blake3_chunks.py: digests by the blake3 package of PyPI, chunk values by an implementation after the paper that reproduces those digests. Not from Assay's code.",
    "pages": pages,
}
print(json.dumps(document, indent=1))
