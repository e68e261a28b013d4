"""Llama inference in f32: every operation is done in double precision and then rounded to single.

For +, -, *, / and the square root that equals the single operation of IEEE 754, since a double has more than twice the
digits. The exponential is the job's polynomial; `exp` asserts that it is also close to the true one.
"""

import math
import struct
from decimal import Decimal

NORM_EPSILON = 1e-5


def f32(number: float) -> float:
    return struct.unpack("<f", struct.pack("<f", number))[0]


def show(number: float) -> str:
    """The shortest digits that read back as the same f32, without an exponent."""
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        if f32(float(text)) == number:
            break
    return format(Decimal(text), "f").removesuffix(".0")


def exp(x: float) -> float:
    if x > 88.0:
        return math.inf
    if x < -87.0:
        return 0.0
    k = math.floor(f32(f32(x * f32(math.log2(math.e))) + 0.5))
    r = f32(f32(x - f32(k * 0.693359375)) - f32(k * f32(-2.1219444e-4)))
    power = 0.0
    for coefficient in (1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0):
        power = f32(f32(power * r) + f32(coefficient))
    result = math.ldexp(power, k)
    assert abs(result / math.exp(x) - 1) < 4e-7, x
    return result


def dot(a, b) -> float:
    total = 0.0
    for x, y in zip(a, b):
        total = f32(total + f32(x * y))
    return total


def multiply(matrix, vector):
    return [dot(row, vector) for row in matrix]


def rms_norm(x, weight):
    scale = f32(1.0 / f32(math.sqrt(f32(f32(dot(x, x) / len(x)) + f32(NORM_EPSILON)))))
    return [f32(w * f32(scale * v)) for v, w in zip(x, weight)]


def rotate(vector, cos, sin):
    rotated = []
    for i in range(0, len(vector), 2):
        c, s = cos[i // 2 % len(cos)], sin[i // 2 % len(sin)]
        a, b = vector[i:i + 2]
        rotated += [f32(f32(a * c) - f32(b * s)), f32(f32(a * s) + f32(b * c))]
    return rotated


def softmax(scores):
    powers = [exp(f32(score - max(scores))) for score in scores]
    total = 0.0
    for power in powers:
        total = f32(total + power)
    return [f32(power / total) for power in powers]


class Tensors:
    """Takes tensors off the front of a checkpoint, as nested lists."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 28

    def take(self, *sides):
        if len(sides) > 1:
            return [self.take(*sides[1:]) for _ in range(sides[0])]
        numbers = struct.unpack_from(f"<{sides[0]}f", self.data, self.at)
        self.at += 4 * sides[0]
        return numbers


def run(data: bytes) -> bytes:
    dim, hidden, layers, heads, kv_heads, vocabulary, positions = struct.unpack_from("<7i", data)
    own_classifier, vocabulary = vocabulary < 0, abs(vocabulary)
    head = dim // heads
    kv_dim = head * kv_heads
    tensors = Tensors(data)
    embedding = tensors.take(vocabulary, dim)
    attention_norm = tensors.take(layers, dim)
    wq, wk = tensors.take(layers, dim, dim), tensors.take(layers, kv_dim, dim)
    wv, wo = tensors.take(layers, kv_dim, dim), tensors.take(layers, dim, dim)
    feed_forward_norm = tensors.take(layers, dim)
    w1, w2 = tensors.take(layers, hidden, dim), tensors.take(layers, dim, hidden)
    w3 = tensors.take(layers, hidden, dim)
    final_norm = tensors.take(dim)
    rope_cos, rope_sin = tensors.take(positions, head // 2), tensors.take(positions, head // 2)
    classifier = tensors.take(vocabulary, dim) if own_classifier else embedding
    steps, prompt_length = struct.unpack_from("<2I", data, tensors.at)
    prompt = struct.unpack_from(f"<{prompt_length}I", data, tensors.at + 8)

    keys, values = [[] for _ in range(layers)], [[] for _ in range(layers)]
    output, following = [], None
    for position in range(steps):
        token = prompt[position] if position < prompt_length else following
        x = embedding[token]
        for layer in range(layers):
            normed = rms_norm(x, attention_norm[layer])
            query, key = multiply(wq[layer], normed), multiply(wk[layer], normed)
            keys[layer].append(rotate(key, rope_cos[position], rope_sin[position]))
            values[layer].append(multiply(wv[layer], normed))
            query = rotate(query, rope_cos[position], rope_sin[position])
            mixed = []
            for h in range(heads):
                shared = slice(h // (heads // kv_heads) * head, (h // (heads // kv_heads) + 1) * head)
                scores = [
                    f32(dot(query[h * head:(h + 1) * head], key[shared]) / f32(math.sqrt(head))) for key in keys[layer]
                ]
                weights = softmax(scores)
                mixed += [dot(weights, column) for column in zip(*(value[shared] for value in values[layer]))]
            x = [f32(a + b) for a, b in zip(x, multiply(wo[layer], mixed))]

            normed = rms_norm(x, feed_forward_norm[layer])
            gates = [f32(g * f32(1.0 / f32(1.0 + exp(-g)))) for g in multiply(w1[layer], normed)]
            product = [f32(g * up) for g, up in zip(gates, multiply(w3[layer], normed))]
            x = [f32(a + b) for a, b in zip(x, multiply(w2[layer], product))]
        logits = multiply(classifier, rms_norm(x, final_norm))
        following = logits.index(max(logits))
        output.append(f"{position} {token} {following} {show(logits[following])}\n")
    return "".join(output).encode()
