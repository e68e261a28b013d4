"""Grouping a CSV with Python's csv reader and exact fractions."""

import csv
import io
from fractions import Fraction


def decimal(value: Fraction) -> str:
    """Six places, rounded half away from zero."""
    millionths = (abs(value) * 2_000_000 + 1) // 2
    sign = "-" if value < 0 and millionths else ""
    return f"{sign}{millionths // 1_000_000}.{millionths % 1_000_000:06}"


def run(data: bytes) -> bytes:
    text = io.StringIO(data.decode(), newline="")
    group_name, value_name = text.readline().rstrip("\r\n").split(",")
    groups: dict[str, list[Fraction]] = {}
    for row in csv.DictReader(text):
        groups.setdefault(row[group_name], []).append(Fraction(row[value_name]))
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([group_name, "count", "sum", "mean"])
    for key, values in sorted(groups.items(), key=lambda item: (-sum(item[1]), item[0].encode())):
        writer.writerow([key, len(values), decimal(sum(values)), decimal(sum(values) / len(values))])
    return output.getvalue().encode()
