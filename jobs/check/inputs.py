"""Writes the sample inputs: `python3 jobs/check/inputs.py`. Synthetic ones come from a fixed pseudo-random stream.

Inputs under `inputs/hostile` are broken on purpose; `cases.txt` says how each must be answered.
"""

import json
import math
import struct
from pathlib import Path

from reference import lz

INPUTS = Path(__file__).parent.parent / "inputs"


class Stream:
    """xorshift32: the same numbers on every machine."""

    def __init__(self, seed: int):
        self.state = seed

    def below(self, limit: int) -> int:
        self.state ^= self.state << 13 & 0xFFFFFFFF
        self.state ^= self.state >> 17
        self.state ^= self.state << 5 & 0xFFFFFFFF
        return self.state % limit

    def bytes(self, size: int) -> bytes:
        return bytes(self.below(256) for _ in range(size))

    def pick(self, choices):
        return choices[self.below(len(choices))]


def write(name: str, data: bytes | str):
    path = INPUTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


REGIONS = ["Andes", "Baltic, east", "Corsica", 'the "Delta"', "Évora", "Fjordland"]
WORDS = "chain claim court bisect bond input leaf machine memory output page proof region root state step word".split()


def text(stream: Stream, lines: int) -> str:
    """Lines of words, now and then with a date, a number or an address for the patterns to find."""
    output = []
    for _ in range(lines):
        words = [stream.pick(WORDS) for _ in range(5 + stream.below(8))]
        extra = [
            f"20{stream.below(30):02}-{1 + stream.below(12):02}-{1 + stream.below(28):02}",
            f"{stream.pick(WORDS)}{stream.below(100)}@{stream.pick(WORDS)}.example",
            f"0x{stream.below(1 << 32):08x}",
            "",
        ]
        words.insert(stream.below(len(words)), stream.pick(extra))
        output.append(" ".join(words) + "\n")
    return "".join(output)


def csv_table(stream: Stream, rows: int) -> str:
    lines = ["day,region,amount,note\n"]
    for row in range(rows):
        region = stream.pick(REGIONS).replace('"', '""')
        amount = f"{stream.below(2_000_001) - 1_000_000}.{stream.below(1_000_000):06}"[: 6 + stream.below(9)].rstrip(".")
        lines.append(f'{row % 365},"{region}",{amount},{stream.pick(WORDS)}\n')
    return "".join(lines)


def json_records(stream: Stream, count: int) -> str:
    lines = []
    for number in range(count):
        record = {
            "id": number,
            "name": stream.pick(["Ada", "Björk", "Chen", "Dmitri", "Eve \"E\""]),
            "age": stream.below(90),
            "address": {"city": stream.pick(["Lisboa", "Kraków", "Nairobi"]), "zip": stream.below(100_000)},
            "score": (stream.below(20_001) - 10_000) / 64,
            "tags": [stream.pick(WORDS) for _ in range(stream.below(3))],
        }
        if number % 7 == 0:
            del record["address"]
        lines.append(json.dumps(record, ensure_ascii=stream.below(2) == 0) + "\n")
    return "".join(lines)


def solar_system(steps: int) -> str:
    """The Sun and the outer planets, the initial state of the Computer Language Benchmarks Game, momentum zero."""
    days, mass = 365.24, 4 * math.pi**2
    planets = [
        (9.54791938424326609e-04, (4.84143144246472090e00, -1.16032004402742839e00, -1.03622044471123109e-01),
         (1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05)),
        (2.85885980666130812e-04, (8.34336671824457987e00, 4.12479856412430479e00, -4.03523417114321381e-01),
         (-2.76742510726411e-03, 4.99852801234917238e-03, 2.30417297573763929e-05)),
        (4.36624404335156298e-05, (1.28943695621391310e01, -1.51111514016986312e01, -2.23307578892655734e-01),
         (2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05)),
        (5.15138902046611451e-05, (1.53796971148509165e01, -2.59193146099879641e01, 1.79258772950371181e-01),
         (2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05)),
    ]
    bodies = [(m * mass, position, tuple(v * days for v in velocity)) for m, position, velocity in planets]
    momentum = [sum(m * velocity[axis] for m, _, velocity in bodies) for axis in range(3)]
    bodies.insert(0, (mass, (0.0, 0.0, 0.0), tuple(-p / mass for p in momentum)))
    lines = [" ".join(map(repr, (m, *position, *velocity))) + "\n" for m, position, velocity in bodies]
    return f"{steps} 0.01\n" + "".join(lines)


def model(stream, dim, hidden, layers, heads, kv_heads, vocabulary, positions) -> bytes:
    """An untrained checkpoint; every weight is a multiple of 2^-18, so it is the same f32 everywhere."""
    head, size = dim // heads, abs(vocabulary)
    kv_dim = head * kv_heads

    def weights(count, scale):
        return [(stream.below(1 << 16) - (1 << 15)) / (1 << 15) * scale for _ in range(count)]

    def norm(count):
        return [1 + number for number in weights(count, 0.125)]

    angles = [p * 10_000 ** (-2 * i / head) for p in range(positions) for i in range(head // 2)]
    numbers = [
        *weights(size * dim, 1), *norm(layers * dim), *weights(layers * dim * dim, 0.5),
        *weights(layers * kv_dim * dim, 0.5), *weights(layers * kv_dim * dim, 0.5), *weights(layers * dim * dim, 0.5),
        *norm(layers * dim), *weights(layers * hidden * dim, 0.5), *weights(layers * dim * hidden, 0.5),
        *weights(layers * hidden * dim, 0.5), *norm(dim), *map(math.cos, angles), *map(math.sin, angles),
        *(weights(size * dim, 0.5) if vocabulary < 0 else []),
    ]
    header = struct.pack("<7i", dim, hidden, layers, heads, kv_heads, vocabulary, positions)
    return header + struct.pack(f"<{len(numbers)}f", *numbers)


def request(positions, prompt) -> bytes:
    return struct.pack(f"<{2 + len(prompt)}I", positions, len(prompt), *prompt)


def main():
    stream = Stream(2463534242)
    prose = text(stream, 400)

    write("sha256.txt", prose[:10_000])
    write("blake3.bin", stream.bytes(5 * 1024 + 1))
    write("csv.csv", "region,amount\n" + csv_table(stream, 800))
    write("grep.txt", "(19|20)\\d\\d-0[1-6]-\\d{2}|\\b[a-m]+\\d+@\\w+\\.example\\b\n" + prose)
    write("grep-none.txt", "^absent$\n" + prose[:1000])
    records = json_records(stream, 200)
    conditions = [{"field": "age", "is": "at_least", "value": 18}, {"field": "name", "is": "less", "value": "D"}]
    select = {"where": conditions, "select": ["id", "name", "address.city", "tags"]}
    write("json-select.jsonl", json.dumps(select) + "\n" + records)
    group = {"where": conditions[:1], "group_by": "address.city", "sum": "score"}
    write("json-group.jsonl", json.dumps(group) + "\n" + records)
    write("lz-compress.bin", b"c" + prose.encode() + bytes(70_000 - len(prose.encode())) + stream.bytes(300))
    write("lz-decompress.bin", b"d" + lz.encode((prose * 4).encode()))
    write("mandelbrot.txt", "96 64 -0.743643 0.131825 0.0003 300\n")
    write("nbody.txt", solar_system(1000))
    write("primes.txt", "1000000\n")
    small = model(stream, 8, 16, 1, 2, 2, 32, 8)
    write("transformer.bin", model(stream, 32, 48, 2, 4, 2, -64, 32) + request(24, [7, 21, 42, 63, 5, 0]))
    write("transformer-shared.bin", small + request(8, [3]))

    write("empty.bin", b"")
    write("hostile/csv-column.csv", "region,price\nregion,amount\nAndes,1\n")
    write("hostile/csv-number.csv", "region,amount\nregion,amount\nAndes,1\nAndes,1e5\n")
    write("hostile/csv-ragged.csv", "region,amount\nregion,amount\nAndes,1,2\n")
    write("hostile/csv-utf8.csv", b"region,amount\nregion,amount\n\xff,1\n")
    write("hostile/csv-overflow.csv", f"g,v\ng,v\na,{10**31}\n" + f"a,{17 * 10**31}\n" + "a,1\n")
    write("hostile/grep-syntax.txt", "a(b\ntext\n")
    write("hostile/grep-blowup.txt", "((a{100}){100}){100}\ntext\n")
    write("hostile/grep-long.txt", "a" * 5000 + "\ntext\n")
    write("hostile/json-query.jsonl", '{"where":[],"order_by":"x"}\n{}\n')
    write("hostile/json-deep.jsonl", "{}\n" + "[" * 10_000 + "\n")
    write("hostile/json-cut.jsonl", '{}\n{"a":1}\n{"a":\n')
    frame = lz.encode(prose[:3000].encode())
    # What these two print before they find out: a part of the output, by hand.
    write("../expected/json-cut.jsonl", '{"a":1}\n')
    write("../expected/lz-checksum.txt", prose[:3000])
    write("hostile/lz-mode.bin", b"x")
    write("hostile/lz-cut.bin", b"d" + frame[:-10])
    write("hostile/lz-checksum.bin", b"d" + frame[:-1] + bytes([frame[-1] ^ 1]))
    write("hostile/lz-trailing.bin", b"d" + frame + b"\0")
    # Header of a frame without checksums, then one literal and a match that reaches two bytes back.
    bare = frame[:4] + b"\x60\x40" + bytes([lz.xxh32(b"\x60\x40") >> 8 & 0xFF])
    write("hostile/lz-offset.bin", b"d" + bare + b"\x04\0\0\0" + b"\x10a\x02\0")
    # A match length that is larger than any block: 40,000 times 255.
    endless = b"\x1fa\x01\0" + b"\xff" * 40_000
    write("hostile/lz-bomb.bin", b"d" + bare + struct.pack("<I", len(endless)) + endless)
    write("hostile/mandelbrot-side.txt", "0 64 0 0 1 10\n")
    write("hostile/mandelbrot-huge.txt", "4294967295 4294967295 0 0 1 10\n")
    write("hostile/nbody-fields.txt", "10 0.01\n1 0 0 0 0 0\n")
    write("hostile/nbody-nan.txt", "10 0.01\n1 0 0 NaN 0 0 0\n")
    write("hostile/primes-limit.txt", "10000000001\n")
    write("hostile/primes-text.txt", "-5\n")
    write("hostile/transformer-huge.bin", struct.pack("<7i", 4096, 16384, 128, 32, 32, 131072, 8192))
    write("hostile/transformer-shape.bin", struct.pack("<7i", 8, 16, 1, 3, 3, 32, 8))
    write("hostile/transformer-cut.bin", small[:2200])
    write("hostile/transformer-token.bin", small + request(8, [32]))


if __name__ == "__main__":
    main()
