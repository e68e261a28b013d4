"""Computes every expected output with the independent implementations in `reference` and compares it with the committed one.

Usage: python3 jobs/check/expected.py [--write]. Outputs that are not unique, a PNG and a compressed frame, are not written
but explained: the committed file, which came from the job, must decode to exactly what the job was asked for.
"""

import importlib
import sys

import cases


def main() -> int:
    failed = checked = 0
    for case in cases.read():
        if case.exit != 0:
            continue
        reference = importlib.import_module(f"reference.{case.job}")
        data = case.input.read_bytes()
        output = reference.run(data) if hasattr(reference, "run") else None
        if output is None:
            problem = reference.explain(data, case.stdout.read_bytes())
        elif "--write" in sys.argv:
            case.stdout.write_bytes(output)
            problem = None
        else:
            problem = None if case.stdout.read_bytes() == output else "differs from the reference"
        checked += 1
        if problem:
            failed += 1
            print(f"{case.stdout.name}: {problem}", file=sys.stderr)
    print(f"{checked} expected outputs, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
