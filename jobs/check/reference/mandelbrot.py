"""The Mandelbrot set in Python's floats, which are IEEE 754 doubles, and a reader for the PNG that shows it."""

import struct
import zlib


def pixels(width, height, center_re, center_im, pixel_size, iterations) -> list[bytes]:
    rows = []
    for j in range(height):
        im = center_im - (j - height / 2) * pixel_size
        rows.append(bytes(shade(center_re + (i - width / 2) * pixel_size, im, iterations) for i in range(width)))
    return rows


def shade(re: float, im: float, iterations: int) -> int:
    x = y = 0.0
    for iteration in range(iterations):
        if x * x + y * y > 4.0:
            return iteration % 255 + 1
        x, y = x * x - y * y + re, 2.0 * x * y + im
    return 0


def rows_of_png(png: bytes) -> tuple[bytes, list[bytes]]:
    """The header's fields and the rows of an unfiltered, not interlaced, 8-bit greyscale PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4:at + 8], png[at + 8:at + 8 + size]
        assert struct.unpack_from(">I", png, at + 8 + size)[0] == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += 12 + size
    assert chunks[0][0] == b"IHDR" and chunks[-1] == (b"IEND", b"")
    header = chunks[0][1]
    stride = struct.unpack(">I", header[:4])[0] + 1
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rows = [raw[i:i + stride] for i in range(0, len(raw), stride)]
    assert all(row[0] == 0 for row in rows), "a row is filtered"
    return header, [row[1:] for row in rows]


def explain(data: bytes, output: bytes) -> str | None:
    width, height, *floats, iterations = data.split()
    width, height = int(width), int(height)
    header, rows = rows_of_png(output)
    if header != struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0):
        return "the PNG's header is wrong"
    if rows != pixels(width, height, *map(float, floats), int(iterations)):
        return "the pixels differ"
    return None
