#!/usr/bin/env python3
"""Writes numeric.json: every numeric operator of the machine on edge and random operands.

Independent of the machine's code: integers are Python's, floats are exact fractions that are rounded once, here, by
the definition of IEEE 754 (to nearest, ties to even). No float of the host's is involved. Operators are WASM's
(WebAssembly core specification 2.0, "Numerics"), NaN results canonical as chapter 4 says.

    python3 specs/vectors/sources/numeric.py > specs/vectors/numeric.json

Each operator has parallel arrays: operands a (and b), result, trap. Operands and results are slots, as hexadecimal
strings; a trap of 0 means none, and a result of 0x0 stands where there is a trap.
"""

import json
import random
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

INTEGER_OVERFLOW, DIVISION_BY_ZERO, INVALID_CONVERSION = 6, 7, 8


class Trap(Exception):
    pass


# Integers -----------------------------------------------------------------------------------------------------------


def signed(x, bits):
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def unsigned(x, bits):
    return x & ((1 << bits) - 1)


def divide(a, b, bits, is_signed):
    """Quotient towards zero."""
    if b == 0:
        raise Trap(DIVISION_BY_ZERO)
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if is_signed and quotient == 1 << (bits - 1):
        raise Trap(INTEGER_OVERFLOW)
    return quotient


def remainder(a, b):
    """With the sign of the dividend."""
    if b == 0:
        raise Trap(DIVISION_BY_ZERO)
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def rotate_left(a, count, bits):
    count %= bits
    return unsigned(a << count | unsigned(a, bits) >> (bits - count), bits)


def leading_zeros(a, bits):
    return bits - a.bit_length()


def trailing_zeros(a, bits):
    return bits if a == 0 else (a & -a).bit_length() - 1


# Floats -------------------------------------------------------------------------------------------------------------


@dataclass
class Format:
    """A binary interchange format of IEEE 754."""

    bits: int
    precision: int  # with the implicit bit

    @property
    def fraction_bits(self):
        return self.precision - 1

    @property
    def exponent_bits(self):
        return self.bits - self.precision

    @property
    def exponent_max(self):
        """The exponent field of infinities and NaNs."""
        return (1 << self.exponent_bits) - 1

    @property
    def bias(self):
        return self.exponent_max >> 1

    @property
    def least_exponent(self):
        """Of the unit in the last place of subnormals: every finite float is a multiple of 2 to this power."""
        return 1 - self.bias - self.fraction_bits

    @property
    def sign(self):
        return 1 << (self.bits - 1)

    @property
    def infinity(self):
        return self.exponent_max << self.fraction_bits

    @property
    def nan(self):
        """The canonical one."""
        return self.infinity | 1 << (self.fraction_bits - 1)

    def is_nan(self, x):
        return x & ~self.sign > self.infinity

    def is_infinite(self, x):
        return x & ~self.sign == self.infinity

    def is_negative(self, x):
        return x & self.sign != 0

    def value(self, x):
        """The exact value of a finite float."""
        exponent = x >> self.fraction_bits & self.exponent_max
        fraction = x & ((1 << self.fraction_bits) - 1)
        if exponent != 0:
            fraction |= 1 << self.fraction_bits
            exponent -= 1
        return (-1 if self.is_negative(x) else 1) * fraction * Fraction(2) ** (exponent + self.least_exponent)

    def round(self, value, negative_zero=False, inexact_above=False):
        """The float nearest to an exact value, ties to even. `inexact_above`: the true value is a little farther from
        zero than `value`, by less than any bit that matters."""
        if value == 0:
            return self.sign if negative_zero else 0
        sign, value = (self.sign, -value) if value < 0 else (0, value)
        # The unit in the last place: such that the value has `precision` bits, or the least there is.
        exponent = value.numerator.bit_length() - value.denominator.bit_length()
        if Fraction(2) ** exponent > value:
            exponent -= 1
        unit = max(exponent - self.fraction_bits, self.least_exponent)
        scaled = value / Fraction(2) ** unit
        whole = scaled.numerator // scaled.denominator
        rest = scaled - whole
        half = Fraction(1, 2)
        if rest > half or rest == half and (inexact_above or whole & 1):
            whole += 1
        # Whole may have carried into the next binade: the encoding carries with it.
        encoding = (unit - self.least_exponent << self.fraction_bits) + whole
        return sign | min(encoding, self.infinity)


F32, F64 = Format(32, 24), Format(64, 53)


def add(f, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return f.nan
    if f.is_infinite(a) or f.is_infinite(b):
        if f.is_infinite(a) and f.is_infinite(b):
            return a if a == b else f.nan
        return a if f.is_infinite(a) else b
    # A sum of zero is negative only if both operands are.
    return f.round(f.value(a) + f.value(b), f.is_negative(a) and f.is_negative(b))


def sub(f, a, b):
    return f.nan if f.is_nan(b) else add(f, a, b ^ f.sign)


def mul(f, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return f.nan
    sign = (a ^ b) & f.sign
    if f.is_infinite(a) or f.is_infinite(b):
        zero = any(not f.is_infinite(x) and f.value(x) == 0 for x in (a, b))
        return f.nan if zero else sign | f.infinity
    return f.round(f.value(a) * f.value(b), sign != 0)


def div(f, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return f.nan
    sign = (a ^ b) & f.sign
    if f.is_infinite(a):
        return f.nan if f.is_infinite(b) else sign | f.infinity
    if f.is_infinite(b):
        return sign
    if f.value(b) == 0:
        return f.nan if f.value(a) == 0 else sign | f.infinity
    return f.round(f.value(a) / f.value(b), sign != 0)


def sqrt(f, a):
    if f.is_nan(a):
        return f.nan
    if f.is_infinite(a):
        return f.nan if f.is_negative(a) else a
    value = f.value(a)
    if value == 0:
        return a
    if value < 0:
        return f.nan
    # Scaled by 4^shift, floats are integers and their roots have far more bits than any precision.
    shift = 600
    scaled = value * 4**shift * 4**600
    assert scaled.denominator == 1
    root = isqrt(scaled.numerator)
    return f.round(Fraction(root, 2 ** (shift + 600)), inexact_above=root * root != scaled)


def order(f, a, b):
    """-1, 0, 1, or None with a NaN."""
    if f.is_nan(a) or f.is_nan(b):
        return None

    def key(x):
        magnitude = x & ~f.sign
        return -magnitude if f.is_negative(x) else magnitude

    return (key(a) > key(b)) - (key(a) < key(b))


def minimum(f, a, b):
    compared = order(f, a, b)
    if compared is None:
        return f.nan
    if compared == 0:
        return a if f.is_negative(a) else b
    return a if compared < 0 else b


def maximum(f, a, b):
    compared = order(f, a, b)
    if compared is None:
        return f.nan
    if compared == 0:
        return b if f.is_negative(a) else a
    return a if compared > 0 else b


def floor(x):
    return x.numerator // x.denominator


def ceil(x):
    return -floor(-x)


def truncate(x):
    return floor(x) if x >= 0 else ceil(x)


def nearest(x):
    lower = floor(x)
    rest = x - lower
    up = rest > Fraction(1, 2) or rest == Fraction(1, 2) and lower & 1
    return lower + 1 if up else lower


def to_whole(f, a, rounding):
    if f.is_nan(a):
        return f.nan
    if f.is_infinite(a):
        return a
    # A whole number between two floats of one binade is a float; zeros keep the operand's sign.
    return f.round(Fraction(rounding(f.value(a))), f.is_negative(a))


def to_integer(f, a, bits, is_signed, saturating):
    least, greatest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)
    if f.is_nan(a):
        if saturating:
            return 0
        raise Trap(INVALID_CONVERSION)
    if f.is_infinite(a):
        whole = least - 1 if f.is_negative(a) else greatest + 1
    else:
        whole = truncate(f.value(a))
    if not least <= whole <= greatest and not saturating:
        raise Trap(INTEGER_OVERFLOW)
    return min(max(whole, least), greatest)


def convert_float(source, target, a):
    if source.is_nan(a):
        return target.nan
    sign = target.sign if source.is_negative(a) else 0
    if source.is_infinite(a):
        return sign | target.infinity
    return target.round(source.value(a), sign != 0)


# Operators ----------------------------------------------------------------------------------------------------------

UNARY, BINARY = {}, {}  # opcode -> (name, operand kinds, function)

COMPARISONS = ["eq", "ne", "lt", "gt", "le", "ge"]


def holds(name, compared):
    if compared is None:
        return name == "ne"
    return {
        "eq": compared == 0, "ne": compared != 0, "lt": compared < 0,
        "gt": compared > 0, "le": compared <= 0, "ge": compared >= 0,
    }[name]  # fmt: skip


def define_integers():
    for bits, eqz, first_bitwise in [(32, 0x45, 0x67), (64, 0x50, 0x79)]:
        t = f"i{bits}"
        UNARY[eqz] = (f"{t}.eqz", t, lambda a: a == 0)
        opcode = eqz + 1
        for name in COMPARISONS:
            for suffix in [""] if name in ("eq", "ne") else ["_s", "_u"]:

                def compare(a, b, name=name, suffix=suffix, bits=bits):
                    if suffix == "_s":
                        a, b = signed(a, bits), signed(b, bits)
                    return holds(name, (a > b) - (a < b))

                BINARY[opcode] = (f"{t}.{name}{suffix}", t, compare)
                opcode += 1
        s = lambda x, bits=bits: signed(x, bits)
        unary = [
            ("clz", lambda a, bits=bits: leading_zeros(a, bits)),
            ("ctz", lambda a, bits=bits: trailing_zeros(a, bits)),
            ("popcnt", lambda a: bin(a).count("1")),
        ]
        binary = [
            ("add", lambda a, b: a + b),
            ("sub", lambda a, b: a - b),
            ("mul", lambda a, b: a * b),
            ("div_s", lambda a, b, s=s, bits=bits: divide(s(a), s(b), bits, True)),
            ("div_u", lambda a, b, bits=bits: divide(a, b, bits, False)),
            ("rem_s", lambda a, b, s=s: remainder(s(a), s(b))),
            ("rem_u", lambda a, b: remainder(a, b)),
            ("and", lambda a, b: a & b),
            ("or", lambda a, b: a | b),
            ("xor", lambda a, b: a ^ b),
            ("shl", lambda a, b, bits=bits: a << b % bits),
            ("shr_s", lambda a, b, s=s, bits=bits: s(a) >> b % bits),
            ("shr_u", lambda a, b, bits=bits: a >> b % bits),
            ("rotl", lambda a, b, bits=bits: rotate_left(a, b, bits)),
            ("rotr", lambda a, b, bits=bits: rotate_left(a, -b % bits, bits)),
        ]
        for i, (name, function) in enumerate(unary):
            UNARY[first_bitwise + i] = (f"{t}.{name}", t, function)
        for i, (name, function) in enumerate(binary):
            BINARY[first_bitwise + 3 + i] = (f"{t}.{name}", t, function)


def define_floats():
    for f, first_comparison, first in [(F32, 0x5B, 0x8B), (F64, 0x61, 0x99)]:
        t = f"f{f.bits}"
        for i, name in enumerate(COMPARISONS):
            BINARY[first_comparison + i] = (
                f"{t}.{name}", t, lambda a, b, f=f, name=name: holds(name, order(f, a, b)),
            )  # fmt: skip
        unary = [
            ("abs", lambda a, f=f: a & ~f.sign),
            ("neg", lambda a, f=f: a ^ f.sign),
            ("ceil", lambda a, f=f: to_whole(f, a, ceil)),
            ("floor", lambda a, f=f: to_whole(f, a, floor)),
            ("trunc", lambda a, f=f: to_whole(f, a, truncate)),
            ("nearest", lambda a, f=f: to_whole(f, a, nearest)),
            ("sqrt", lambda a, f=f: sqrt(f, a)),
        ]
        binary = [
            ("add", add), ("sub", sub), ("mul", mul), ("div", div), ("min", minimum), ("max", maximum),
            ("copysign", lambda f, a, b: a & ~f.sign | b & f.sign),
        ]  # fmt: skip
        for i, (name, function) in enumerate(unary):
            UNARY[first + i] = (f"{t}.{name}", t, function)
        for i, (name, function) in enumerate(binary):
            BINARY[first + 7 + i] = (f"{t}.{name}", t, lambda a, b, f=f, function=function: function(f, a, b))


def define_conversions():
    UNARY[0xA7] = ("i32.wrap_i64", "i64", lambda a: a)
    opcode = 0xA8
    saturating = 0xD0
    for bits in (32, 64):
        for f in (F32, F64):
            for suffix in ("s", "u"):
                source = f"f{f.bits}"

                def to(a, f=f, bits=bits, suffix=suffix, saturating=False):
                    return to_integer(f, a, bits, suffix == "s", saturating)

                UNARY[opcode] = (f"i{bits}.trunc_{source}_{suffix}", source, to)
                UNARY[saturating] = (
                    f"i{bits}.trunc_sat_{source}_{suffix}", source, lambda a, to=to: to(a, saturating=True),
                )  # fmt: skip
                opcode += 1
                saturating += 1
        if bits == 32:
            UNARY[opcode] = ("i64.extend_i32_s", "i32", lambda a: signed(a, 32))
            UNARY[opcode + 1] = ("i64.extend_i32_u", "i32", lambda a: a)
            opcode += 2
    for f, other in ((F32, F64), (F64, F32)):
        for bits in (32, 64):
            UNARY[opcode] = (
                f"f{f.bits}.convert_i{bits}_s", f"i{bits}",
                lambda a, f=f, bits=bits: f.round(Fraction(signed(a, bits))),
            )  # fmt: skip
            UNARY[opcode + 1] = (f"f{f.bits}.convert_i{bits}_u", f"i{bits}", lambda a, f=f: f.round(Fraction(a)))
            opcode += 2
        name = "f32.demote_f64" if f is F32 else "f64.promote_f32"
        UNARY[opcode] = (name, f"f{other.bits}", lambda a, f=f, other=other: convert_float(other, f, a))
        opcode += 1
    for target, source in (("i32", "f32"), ("i64", "f64"), ("f32", "i32"), ("f64", "i64")):
        UNARY[opcode] = (f"{target}.reinterpret_{source}", source, lambda a: a)
        opcode += 1
    for bits, widths in ((32, (8, 16)), (64, (8, 16, 32))):
        for width in widths:
            UNARY[opcode] = (f"i{bits}.extend{width}_s", f"i{bits}", lambda a, width=width: signed(a, width))
            opcode += 1


# Operands -----------------------------------------------------------------------------------------------------------


def integer_edges(bits):
    top = 1 << (bits - 1)
    return [0, 1, 2, bits - 1, bits, bits + 1, 0x7F, 0x80, 0xFF8000, top - 1, top, top + 1, 2 * top - 2, 2 * top - 1]


def float_edges(f):
    one = f.bias << f.fraction_bits
    magnitudes = [
        0, 1, 2, (1 << f.fraction_bits) - 1, 1 << f.fraction_bits, one >> 1,  # zero, subnormals, least normal
        f.round(Fraction(1, 2)) - 1, f.round(Fraction(1, 2)), f.round(Fraction(1, 2)) + 1,
        one - 1, one, one + 1, f.round(Fraction(3, 2)), f.round(Fraction(5, 2)), f.round(Fraction(7, 2)),
        f.infinity - 1, f.infinity,
        f.nan, f.nan | 1, f.infinity | 1, f.infinity | (1 << (f.fraction_bits - 1)) - 1,  # quiet, signalling
    ]  # fmt: skip
    return [m | s for m in magnitudes for s in (0, f.sign)]


def conversion_edges(f):
    """Floats around the ends of integer types and of whole-number precision."""
    edges = []
    for value in (2**31, 2**32, 2**63, 2**64, 2**31 - 1, 2**32 - 1, 2**31 + 1, 2**f.fraction_bits, 2**f.precision):
        nearest_bits = f.round(Fraction(value))
        edges += [x | s for x in (nearest_bits - 1, nearest_bits, nearest_bits + 1) for s in (0, f.sign)]
    return edges


def demotion_edges():
    """Doubles around ties between singles, among subnormals and at overflow."""
    edges = []
    for single in (0, 1, 2, 0x7FFFFF, 0x800000, 0x3F800000, 0x3F800001, 0x7F7FFFFE, 0x7F7FFFFF):
        low = F32.value(single)
        high = F32.value(single + 1) if single != 0x7F7FFFFF else Fraction(2) ** 128
        tie = F64.round((low + high) / 2)
        edges += [x | s for x in (tie - 1, tie, tie + 1) for s in (0, F64.sign)]
    return edges


def integer_rounding_edges(bits):
    """Integers around ties of both float formats."""
    edges = []
    for f in (F32, F64):
        for height in (f.precision + 1, bits - 1, bits):
            if f.precision < height <= bits:
                unit = 1 << (height - f.precision)
                for base in (1 << (height - 1), (1 << height) - 2 * unit):
                    edges += [base + unit // 2 + i for i in (-1, 0, 1)] + [base + unit + unit // 2 + i for i in (-1, 0, 1)]
    return [unsigned(x, bits) for edge in edges for x in (edge, -edge)]


def random_operand(rng, kind):
    bits = int(kind[1:])
    x = rng.getrandbits(bits)
    if kind[0] == "f" and rng.random() < 0.7:
        # Magnitudes near one, where operations meet, rather than anywhere.
        f = F32 if bits == 32 else F64
        exponent = f.bias + rng.randint(-f.precision, 2 * f.precision)
        x = x & (f.sign | (1 << f.fraction_bits) - 1) | exponent << f.fraction_bits
    elif kind[0] == "i":
        x >>= rng.randrange(bits)
    return x


def operands(kind, name, arity, rng):
    bits = int(kind[1:])
    f = {"f32": F32, "f64": F64}.get(kind)
    edges = float_edges(f) if f else integer_edges(bits)
    if arity == 1:
        if "trunc" in name or "nearest" in name or "floor" in name or "ceil" in name:
            edges = edges + conversion_edges(f)
        if "demote" in name:
            edges = edges + demotion_edges()
        if "convert" in name:
            edges = edges + integer_rounding_edges(bits)
        return [(a,) for a in edges] + [(random_operand(rng, kind),) for _ in range(24)]
    if f:
        # All pairs of these, and some of all others.
        few = [0, 1, f.sign, f.bias << f.fraction_bits, f.infinity - 1, f.infinity, f.sign | f.infinity, f.infinity | 1]
        pairs = [(a, b) for a in few for b in few] + [tuple(rng.sample(edges, 2)) for _ in range(64)]
    else:
        few = [0, 1, bits - 1, bits, 1 << (bits - 1), (1 << bits) - 1]
        pairs = [(a, b) for a in few for b in few] + [tuple(rng.sample(edges, 2)) for _ in range(24)]
    return pairs + [(random_operand(rng, kind), random_operand(rng, kind)) for _ in range(32)]


def result_bits(name):
    """Comparisons and i32 or f32 results have 32 bits, zero-extended."""
    return 32 if name[1:3] == "32" else 64


def vectors(opcode, name, kind, function, arity):
    rng = random.Random(opcode)
    cases = {"a": [], "b": [], "result": [], "trap": []}
    for operand in operands(kind, name, arity, rng):
        try:
            result, trap = unsigned(int(function(*operand)), result_bits(name)), 0
        except Trap as reason:
            result, trap = 0, reason.args[0]
        # 32-bit readers ignore the upper half of a slot: sometimes it is full.
        dirt = rng.choice([0, 0xDEADBEEF << 32]) if kind[1:] == "32" else 0
        for key, value in zip("ab", operand):
            cases[key].append(hex(value | dirt))
        cases["result"].append(hex(result))
        cases["trap"].append(trap)
    if arity == 1:
        del cases["b"]
    return {"opcode": opcode, "name": name, "operands": arity, **cases}


def main():
    define_integers()
    define_floats()
    define_conversions()
    assert not UNARY.keys() & BINARY.keys() and len(UNARY) + len(BINARY) == 0xC5 - 0x45 + 8
    operators = []
    for opcode in sorted(UNARY.keys() | BINARY.keys()):
        arity = 1 if opcode in UNARY else 2
        operators.append(vectors(opcode, *(UNARY if arity == 1 else BINARY)[opcode], arity))
    source = "exact arithmetic: specs/vectors/sources/numeric.py, independent of the machine's code"
    print('{"source": ' + json.dumps(source) + ',\n "operators": [')
    print(",\n".join("  " + json.dumps(operator, separators=(",", ":")) for operator in operators))
    print("]}")


main()
