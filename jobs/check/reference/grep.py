"""Line search with Python's re: for the constructs used in the samples it means what the job's library means."""

import re


def run(data: bytes) -> bytes:
    pattern, _, text = data.partition(b"\n")
    regex = re.compile(pattern.decode())
    lines = text.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    matches = (number for number, line in enumerate(lines) if regex.search(line.decode()))
    return b"".join(b"%d:%s\n" % (number + 1, lines[number]) for number in matches)
