"""Primes by a sieve over one byte array."""


def run(data: bytes) -> bytes:
    limit = int(data)
    sieve = bytearray([1]) * (limit + 1)
    sieve[:2] = bytes(min(2, limit + 1))
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number::number] = bytes(len(range(number * number, limit + 1, number)))
    primes = [number for number in range(limit + 1) if sieve[number]]
    return b"%d %d %d\n" % (len(primes), primes[-1] if primes else 0, sum(primes))
