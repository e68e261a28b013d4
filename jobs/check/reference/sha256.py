"""SHA-256 from Python's own library."""

import hashlib


def run(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n"
