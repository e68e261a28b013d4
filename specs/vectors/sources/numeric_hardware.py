"""Writes numeric_hardware.json: vectors for the numeric instructions, none of them from Assay's own code.

Float arithmetic and comparisons are what the processor of an x86-64 host computes, through NumPy (one IEEE 754
operation in the named format, round to nearest even). Conversions are computed with exact fractions. Integers are
Python's own. WASM's rules on NaN and on traps are applied to the results.

Run: python3 numeric_hardware.py > ../numeric_hardware.json          (needs numpy; the output depends on nothing else)
"""

import json
import math
import random
import struct
from fractions import Fraction

import numpy as np

np.seterr(all="ignore")
rng = random.Random(20261121)

FLOAT = {32: (np.float32, np.uint32, 23, 127), 64: (np.float64, np.uint64, 52, 1023)}
CANONICAL = {32: 0x7FC00000, 64: 0x7FF8000000000000}
INFINITY = {32: 0x7F800000, 64: 0x7FF0000000000000}
OVERFLOW, BY_ZERO, INVALID = 6, 7, 8
groups = []


def group(operation, opcode, arity, cases):
    """Each case is operands, result, trap code (0: none)."""
    flat = [hex(v) for case in cases for v in case]
    assert all(len(c) == arity + 2 for c in cases), operation
    groups.append({"operation": operation, "opcode": hex(opcode), "arity": arity, "values": flat})


def edges_float(w):
    _, _, f, bias = FLOAT[w]
    top = 1 << (w - 1)
    one = bias << f
    base = [
        0, 1, 2, (1 << f) - 1, 1 << f, (1 << f) + 1, one - 1, one, one + 1, one + (1 << (f - 1)),
        (bias - 1) << f, ((bias - 1) << f) - 1, ((bias - 1) << f) + 1, (bias + 1) << f, ((bias + 1) << f) | 1 << (f - 2),
        (bias + f) << f, ((bias + f) << f) + 1, (bias + f - 1) << f, ((bias + f - 1) << f) + 1, (bias + f + 1) << f,
        INFINITY[w] - 1, INFINITY[w], CANONICAL[w], INFINITY[w] + 1, CANONICAL[w] + 5, (one >> 1), one + 0x1234,
    ]
    return [x for b in base for x in (b, b | top)]


def random_float(w):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.getrandbits(w)
    _, _, f, bias = FLOAT[w]
    exponent = {1: bias + rng.randrange(-4, 5), 2: bias + rng.randrange(-70, 70), 3: rng.randrange(0, 40)}[kind]
    fraction = rng.choice([rng.getrandbits(f), rng.getrandbits(4), rng.getrandbits(4) << (f - 4), (1 << f) - 1])
    return rng.getrandbits(1) << (w - 1) | exponent << f | fraction


def value(bits, w):
    t, u, _, _ = FLOAT[w]
    return np.array([bits], dtype=u).view(t)[0]


def bits_of(x, w):
    t, u, _, _ = FLOAT[w]
    b = int(np.array([x], dtype=t).view(u)[0])
    return CANONICAL[w] if is_nan(b, w) else b


def is_nan(b, w):
    return b & ~(1 << (w - 1)) > INFINITY[w]


def pairs_float(w):
    edges = edges_float(w)
    cases = [(x, y) for x in edges for y in edges]
    cases = rng.sample(cases, 70) + [(x, x) for x in rng.sample(edges, 8)]
    cases += [(random_float(w), random_float(w)) for _ in range(60)]
    # Near cancellation and ties: neighbours, and halves of the last place.
    for _ in range(15):
        x = random_float(w) & ~(1 << (w - 1))
        cases.append((x, max(0, x + rng.randrange(-2, 3)) | 1 << (w - 1)))
        cases.append((x, max(0, x - (FLOAT[w][2] + 1 << FLOAT[w][2]))))
    return [(x & (1 << w) - 1, y & (1 << w) - 1) for x, y in cases]


def smaller(x, y, w):
    """WASM's min on bits, from its text: NaN wins, -0 is below +0."""
    if is_nan(x, w) or is_nan(y, w):
        return CANONICAL[w]
    a, b = value(x, w), value(y, w)
    if a == b:
        return x | y if a == 0 else x
    return x if a < b else y


def flip(x, w):
    return x ^ 1 << (w - 1)


for w, name, compare, unary, binary in ((32, "f32", 0x5B, 0x8B, 0x92), (64, "f64", 0x61, 0x99, 0xA0)):
    relations = ["eq", "ne", "lt", "gt", "le", "ge"]
    fns = [np.equal, np.not_equal, np.less, np.greater, np.less_equal, np.greater_equal]
    for i, (r, fn) in enumerate(zip(relations, fns)):
        group(f"{name}.{r}", compare + i, 2, [(x, y, int(fn(value(x, w), value(y, w))), 0) for x, y in pairs_float(w)])

    ones = lambda: edges_float(w) + [random_float(w) for _ in range(60)]
    top = 1 << (w - 1)
    group(f"{name}.abs", unary, 1, [(x, x & ~top, 0) for x in ones()])
    group(f"{name}.neg", unary + 1, 1, [(x, x ^ top, 0) for x in ones()])
    for i, (r, fn) in enumerate([("ceil", np.ceil), ("floor", np.floor), ("trunc", np.trunc), ("nearest", np.rint), ("sqrt", np.sqrt)]):
        group(f"{name}.{r}", unary + 2 + i, 1, [(x, bits_of(fn(value(x, w)), w), 0) for x in ones()])

    for i, (r, fn) in enumerate([("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("div", np.divide)]):
        group(f"{name}.{r}", binary + i, 2, [(x, y, bits_of(fn(value(x, w), value(y, w)), w), 0) for x, y in pairs_float(w)])
    group(f"{name}.min", binary + 4, 2, [(x, y, smaller(x, y, w), 0) for x, y in pairs_float(w)])
    largest = lambda x, y: CANONICAL[w] if is_nan(x, w) or is_nan(y, w) else flip(smaller(flip(x, w), flip(y, w), w), w)
    group(f"{name}.max", binary + 5, 2, [(x, y, largest(x, y), 0) for x, y in pairs_float(w)])
    group(f"{name}.copysign", binary + 6, 2, [(x, y, x & ~top | y & top, 0) for x, y in pairs_float(w)])


def nearest(q, w):
    """Bits of the float of width w nearest to the fraction q, ties to even; q = 0 gives +0."""
    _, _, f, bias = FLOAT[w]
    sign, q = (1 << (w - 1) if q < 0 else 0), abs(q)
    if q == 0:
        return sign
    e = q.numerator.bit_length() - q.denominator.bit_length()
    if Fraction(2) ** e > q:
        e -= 1
    e = max(e, 1 - bias)
    n = round(q / Fraction(2) ** (e - f))  # Python rounds fractions half to even.
    if n == 1 << (f + 1):
        n, e = n >> 1, e + 1
    if e > bias:
        return sign | INFINITY[w]
    return sign | (n if n < 1 << f else (e + bias - 1 << f) + n)


def exact(x, w):
    """Fraction of a finite float, from its fields."""
    _, _, f, bias = FLOAT[w]
    field, fraction = x >> f & (1 << (w - 1 - f)) - 1, x & (1 << f) - 1
    n, e = (fraction, 1 - bias - f) if field == 0 else (fraction | 1 << f, field - bias - f)
    return (-1) ** (x >> (w - 1)) * n * Fraction(2) ** e


def edges_int(w):
    base = [0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 31, 32, 33, 63, 64, 65]
    base += [1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << (w - 1), (1 << (w - 1)) - 1, (1 << w) - 1, (1 << w) - 2]
    base += [(1 << 24) + 1, (1 << 24) + 3, (1 << 53) + 1, (1 << 53) + 3, (1 << 63) + 1024, (1 << 63) + 1025, (1 << 63) + 3072, (1 << 64) - 512]
    base += [(1 << 25) + 2, (1 << 25) + 6, (1 << 31) - 64, (1 << 31) - 65, (1 << 63) - 512, (1 << 63) - 513, (1 << 40) + (1 << 16)]
    return [b & (1 << w) - 1 for b in base]


def random_int(w):
    return rng.getrandbits(rng.randrange(1, w + 1))


def signed(x, w):
    return x - (1 << w) if x >> (w - 1) else x


def floats_near_ints(w):
    out = edges_float(w) + [random_float(w) for _ in range(40)]
    for n in (0, 1, 1 << 31, 1 << 32, 1 << 63, 1 << 64):
        for d in (-1, 0, 1):
            for part in (0, Fraction(1, 2), Fraction(1023, 1024), Fraction((1 << 20) - 1, 1 << 20)):
                for s in (1, -1):
                    b = nearest(s * (n + d + part), w)
                    out += [b, b + 1, max(b - 1, 0)]
    return sorted({b & (1 << w) - 1 for b in out})


def truncation(x, fw, tw, is_signed, saturate):
    if is_nan(x, fw):
        return (0, 0) if saturate else (0, INVALID)
    low, high = (-(1 << (tw - 1)), (1 << (tw - 1)) - 1) if is_signed else (0, (1 << tw) - 1)
    if x & ~(1 << (fw - 1)) == INFINITY[fw]:
        n = 1 << 200 if x == INFINITY[fw] else -(1 << 200)
    else:
        n = math.trunc(exact(x, fw))
    if low <= n <= high:
        return n & (1 << tw) - 1, 0
    return (max(low, min(high, n)) & (1 << tw) - 1, 0) if saturate else (0, OVERFLOW)


order = [(tw, fw, s) for tw in (32, 64) for fw in (32, 64) for s in (True, False)]
for i, (tw, fw, s) in enumerate(order):
    name = f"f{fw}_{'s' if s else 'u'}"
    opcode = (0xA8 if tw == 32 else 0xAE - 4) + i
    xs = floats_near_ints(fw)
    group(f"i{tw}.trunc_{name}", opcode, 1, [(x, *truncation(x, fw, tw, s, False)) for x in xs])
    group(f"i{tw}.trunc_sat_{name}", 0xD0 + i, 1, [(x, *truncation(x, fw, tw, s, True)) for x in xs])

for i, (tw, fw, s) in enumerate(order):
    opcode = 0xB2 + i if tw == 32 else 0xB7 + i - 4
    xs = edges_int(fw) + [random_int(fw) for _ in range(60)]
    cases = [(x, nearest(Fraction(signed(x, fw) if s else x), tw), 0) for x in xs]
    group(f"f{tw}.convert_i{fw}_{'s' if s else 'u'}", opcode, 1, cases)


def between(x, fw, tw):
    if is_nan(x, fw):
        return CANONICAL[tw]
    sign = x >> (fw - 1) << (tw - 1)
    if x & ~(1 << (fw - 1)) == INFINITY[fw]:
        return sign | INFINITY[tw]
    return sign | nearest(abs(exact(x, fw)), tw)


narrow = [nearest(exact(x, 32) * s, 64) + d for x in edges_float(32) if not is_nan(x, 32) and x & 0x7FFFFFFF != INFINITY[32]
          for s in (1, Fraction(1, 2), Fraction(3, 2)) for d in (0, 1)]
narrow += [nearest(Fraction(2) ** 128 - Fraction(2) ** 103 + d, 64) for d in (-1, 0, Fraction(2) ** 76, -Fraction(2) ** 76)]
group("f32.demote_f64", 0xB6, 1, [(x, between(x, 64, 32), 0) for x in edges_float(64) + narrow + [random_float(64) for _ in range(60)]])
group("f64.promote_f32", 0xBB, 1, [(x, between(x, 32, 64), 0) for x in edges_float(32) + [random_float(32) for _ in range(60)]])
for name, opcode, w in (("i32.reinterpret_f32", 0xBC, 32), ("i64.reinterpret_f64", 0xBD, 64), ("f32.reinterpret_i32", 0xBE, 32), ("f64.reinterpret_i64", 0xBF, 64)):
    group(name, opcode, 1, [(x, x, 0) for x in edges_float(w)])


def divide(x, y, w, is_signed, remainder):
    if y == 0:
        return 0, BY_ZERO
    a, b = (signed(x, w), signed(y, w)) if is_signed else (x, y)
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if remainder:
        return a - b * quotient & (1 << w) - 1, 0
    if is_signed and quotient == 1 << (w - 1):
        return 0, OVERFLOW
    return quotient & (1 << w) - 1, 0


for w, name, eqz, compare, count, binary in ((32, "i32", 0x45, 0x46, 0x67, 0x6A), (64, "i64", 0x50, 0x51, 0x79, 0x7C)):
    mask = (1 << w) - 1
    ones = lambda: edges_int(w) + [random_int(w) for _ in range(30)]
    minimum = 1 << (w - 1)
    special = [(minimum, mask), (minimum, 1), (minimum, minimum), (mask, minimum), (0, 0), (1, 0), (minimum, 0), (mask, mask)]
    twos = lambda: special + [(rng.choice(edges_int(w)), rng.choice(edges_int(w))) for _ in range(60)] + [(random_int(w), random_int(w)) for _ in range(30)]
    group(f"{name}.eqz", eqz, 1, [(x, int(x == 0), 0) for x in ones()])
    relations = [("eq", 0), ("ne", 0), ("lt", 1), ("lt", 0), ("gt", 1), ("gt", 0), ("le", 1), ("le", 0), ("ge", 1), ("ge", 0)]
    tests = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "gt": lambda a, b: a > b, "le": lambda a, b: a <= b, "ge": lambda a, b: a >= b}
    for i, (r, s) in enumerate(relations):
        suffix = "" if i < 2 else "_s" if s else "_u"
        cases = [(x, y, int(tests[r](signed(x, w), signed(y, w)) if s else tests[r](x, y)), 0) for x, y in twos()]
        group(f"{name}.{r}{suffix}", compare + i, 2, cases)
    group(f"{name}.clz", count, 1, [(x, w - x.bit_length(), 0) for x in ones()])
    group(f"{name}.ctz", count + 1, 1, [(x, (x & -x).bit_length() - 1 if x else w, 0) for x in ones()])
    group(f"{name}.popcnt", count + 2, 1, [(x, bin(x).count("1"), 0) for x in ones()])
    plain = [
        ("add", lambda x, y: x + y), ("sub", lambda x, y: x - y), ("mul", lambda x, y: x * y), None, None, None, None,
        ("and", lambda x, y: x & y), ("or", lambda x, y: x | y), ("xor", lambda x, y: x ^ y),
        ("shl", lambda x, y: x << y % w), ("shr_s", lambda x, y: signed(x, w) >> y % w), ("shr_u", lambda x, y: x >> y % w),
        ("rotl", lambda x, y: x << y % w | x >> (w - y % w)), ("rotr", lambda x, y: x >> y % w | x << (w - y % w)),
    ]
    for i, entry in enumerate(plain):
        if entry:
            group(f"{name}.{entry[0]}", binary + i, 2, [(x, y, entry[1](x, y) & mask, 0) for x, y in twos()])
    for i, (r, s, m) in enumerate([("div_s", 1, 0), ("div_u", 0, 0), ("rem_s", 1, 1), ("rem_u", 0, 1)]):
        group(f"{name}.{r}", binary + 3 + i, 2, [(x, y, *divide(x, y, w, s, m)) for x, y in twos()])

for name, opcode, fw, tw in (("i32.extend8_s", 0xC0, 8, 32), ("i32.extend16_s", 0xC1, 16, 32), ("i64.extend8_s", 0xC2, 8, 64), ("i64.extend16_s", 0xC3, 16, 64), ("i64.extend32_s", 0xC4, 32, 64), ("i64.extend_i32_s", 0xAC, 32, 64)):
    w = 32 if opcode == 0xAC else tw
    group(name, opcode, 1, [(x, signed(x & (1 << fw) - 1, fw) & (1 << tw) - 1, 0) for x in edges_int(w)])
group("i64.extend_i32_u", 0xAD, 1, [(x, x, 0) for x in edges_int(32)])
group("i32.wrap_i64", 0xA7, 1, [(x, x & (1 << 32) - 1, 0) for x in edges_int(64)])

groups.sort(key=lambda g: int(g["opcode"], 16))
document = {
    "source": "specs/vectors/sources/numeric_hardware.py: float arithmetic by the processor of an x86-64 host through NumPy, conversions by exact fractions, integers by Python; WASM's rules on NaN and traps applied. Not from Assay's code.",
    "layout": "values: for each case the operands, the result, the trap code (0: none)",
    "groups": groups,
}
print("{")
print(f' "source": {json.dumps(document["source"])},')
print(f' "layout": {json.dumps(document["layout"])},')
print(' "groups": [')
print(",\n".join("  " + json.dumps(g) for g in groups))
print(" ]\n}")
