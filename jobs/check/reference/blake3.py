"""BLAKE3 as its paper describes it: recursive, one chunk at a time, no state kept between calls."""

import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
MASK = 0xFFFFFFFF


def rotate(word: int, bits: int) -> int:
    return (word >> bits | word << (32 - bits)) & MASK


def compress(chaining, block: bytes, counter: int, flags: int):
    words = struct.unpack("<16I", block.ljust(64, b"\0"))
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, len(block), flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(QUARTERS):
            for word, (first, second) in zip(words[2 * i:2 * i + 2], ((16, 12), (8, 7))):
                v[a] = (v[a] + v[b] + word) & MASK
                v[d] = rotate(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & MASK
                v[b] = rotate(v[b] ^ v[c], second)
        words = [words[i] for i in PERMUTATION]
    return tuple(low ^ high for low, high in zip(v[:8], v[8:]))


def chunk(data: bytes, index: int, root: int):
    blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
    chaining = IV
    for i, block in enumerate(blocks):
        flags = (CHUNK_START if i == 0 else 0) | (CHUNK_END | root if i == len(blocks) - 1 else 0)
        chaining = compress(chaining, block, index, flags)
    return chaining


def subtree(data: bytes, index: int, root: int):
    """The chaining value of `data`, whose first chunk is number `index`."""
    if len(data) <= 1024:
        return chunk(data, index, root)
    # The left child holds the largest power of two of chunks that leaves at least one byte for the right.
    left = 1024
    while left * 2 < len(data):
        left *= 2
    children = subtree(data[:left], index, 0) + subtree(data[left:], index + left // 1024, 0)
    return compress(IV, struct.pack("<16I", *children), 0, PARENT | root)


def run(data: bytes) -> bytes:
    return struct.pack("<8I", *subtree(data, 0, ROOT)).hex().encode() + b"\n"
