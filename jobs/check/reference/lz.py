"""LZ4 frames: a decoder for what the job writes, and a plain encoder that makes the job's input for the inverse."""

import struct

MAGIC = 0x184D2204
P1, P2, P3, P4, P5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
MASK = 0xFFFFFFFF


def rotate(word: int, bits: int) -> int:
    word &= MASK
    return (word << bits | word >> (32 - bits)) & MASK


def xxh32(data: bytes) -> int:
    whole = len(data) // 16 * 16
    lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
    for at in range(0, whole, 16):
        lanes = [rotate(lane + word * P2, 13) * P1 & MASK for lane, word in zip(lanes, struct.unpack_from("<4I", data, at))]
    digest = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) if whole else P5
    digest += len(data)
    words_end = len(data) // 4 * 4
    for at in range(whole, words_end, 4):
        digest = rotate(digest + struct.unpack_from("<I", data, at)[0] * P3, 17) * P4
    for byte in data[words_end:]:
        digest = rotate(digest + byte * P5, 11) * P1
    digest &= MASK
    digest = (digest ^ digest >> 15) * P2 & MASK
    digest = (digest ^ digest >> 13) * P3 & MASK
    return digest ^ digest >> 16


def decode(frame: bytes) -> bytes:
    """The content of a frame; asserts everything that the format demands of it."""
    at = 0

    def take(size):
        nonlocal at
        part = frame[at:at + size]
        assert len(part) == size, "the frame ends too early"
        at += size
        return part

    def word():
        return struct.unpack("<I", take(4))[0]

    assert word() == MAGIC
    flags, blocks = take(2)
    size = take(8) if flags & 8 else b""
    assert flags >> 6 == 1 and not flags & 3
    assert take(1)[0] == xxh32(bytes([flags, blocks]) + size) >> 8 & 0xFF
    block_max = 1 << (8 + 2 * (blocks >> 4))
    output = bytearray()
    while block := word():
        data = take(block & 0x7FFFFFFF)
        if flags & 0x10:
            assert word() == xxh32(data)
        start = len(output)
        if block >> 31:
            output += data
        else:
            decode_block(data, output, start if flags & 0x20 else 0)
        assert len(output) - start <= block_max
    if flags & 4:
        assert word() == xxh32(output)
    assert not size or struct.unpack("<Q", size)[0] == len(output)
    assert at == len(frame), "bytes follow the frame"
    return bytes(output)


def decode_block(data: bytes, output: bytearray, oldest: int):
    source = iter(data)

    def length(nibble):
        total = nibble
        while nibble == 15:
            byte = next(source)
            total += byte
            if byte != 255:
                break
        return total

    for token in source:
        output += bytes(next(source) for _ in range(length(token >> 4)))
        low = next(source, None)
        if low is None:
            return
        offset = low | next(source) << 8
        assert 0 < offset <= len(output) - oldest
        for _ in range(length(token & 15) + 4):
            output.append(output[-offset])


def encode(data: bytes) -> bytes:
    """A frame of linked 64 KiB blocks with every checksum and the content's size: all that the job need not write."""
    header = bytes([0x40 | 0x10 | 0x08 | 0x04, 4 << 4]) + struct.pack("<Q", len(data))
    frame = struct.pack("<I", MAGIC) + header + bytes([xxh32(header) >> 8 & 0xFF])
    places: dict[bytes, int] = {}
    for start in range(0, len(data), 65536):
        block = encode_block(data, start, min(start + 65536, len(data)), places)
        frame += struct.pack("<I", len(block)) + block + struct.pack("<I", xxh32(block))
    return frame + struct.pack("<II", 0, xxh32(data))


def encode_block(data: bytes, start: int, end: int, places: dict[bytes, int]) -> bytes:
    block = bytearray()
    literals = at = start

    def put(match, offset):
        count = at - literals
        block.append(min(count, 15) << 4 | min(max(match - 4, 0), 15))
        block.extend(extra(count))
        block.extend(data[literals:at])
        if match:
            block.extend(struct.pack("<H", offset) + extra(match - 4))

    def extra(number):
        return b"" if number < 15 else b"\xff" * ((number - 15) // 255) + bytes([(number - 15) % 255])

    while at < end - 12:
        earlier = places.get(data[at:at + 4], -65536)
        places[data[at:at + 4]] = at
        if at - earlier > 65535:
            at += 1
            continue
        match = 4
        while at + match < end - 5 and data[earlier + match] == data[at + match]:
            match += 1
        put(match, at - earlier)
        at += match
        literals = at
    at = end
    put(0, 0)
    return bytes(block)


def run(data: bytes) -> bytes | None:
    return decode(data[1:]) if data[:1] == b"d" else None


def explain(data: bytes, output: bytes) -> str | None:
    return None if decode(output) == data[1:] else "the frame's content is not what was compressed"
