"""Filter, projection and grouping of JSON records with Python's json."""

import json
import operator

COMPARISONS = {
    "equal": operator.eq, "less": operator.lt, "at_most": operator.le, "greater": operator.gt, "at_least": operator.ge,
}
ABSENT = object()


def field(record, path):
    for name in path.split("."):
        if not isinstance(record, dict) or name not in record:
            return ABSENT
        record = record[name]
    return record


def kind(value):
    return "number" if type(value) in (int, float) else type(value)


def passes(record, condition):
    found, wanted = field(record, condition["field"]), condition["value"]
    if found is ABSENT or kind(found) != kind(wanted):
        return False
    if kind(wanted) in ("number", str):
        return COMPARISONS[condition["is"]](found, wanted)
    return found == wanted and condition["is"] in ("equal", "at_most", "at_least")


def text(value) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def run(data: bytes) -> bytes:
    query, *records = (json.loads(line) for line in data.decode().splitlines())
    records = [r for r in records if all(passes(r, condition) for condition in query.get("where", []))]
    if "group_by" not in query:
        if query.get("select"):
            records = [{p: None if (v := field(r, p)) is ABSENT else v for p in query["select"]} for r in records]
        return "".join(text(record) + "\n" for record in records).encode()
    groups = {}
    for record in records:
        key = field(record, query["group_by"])
        group = groups.setdefault(text(None if key is ABSENT else key), {"count": 0, "sum": 0.0})
        group["count"] += 1
        value = field(record, query["sum"]) if "sum" in query else None
        if kind(value) == "number":
            group["sum"] += float(value)
    lines = []
    for key in sorted(groups, key=str.encode):
        line = {"key": json.loads(key), **groups[key]}
        if "sum" not in query:
            del line["sum"]
        lines.append(text(line) + "\n")
    return "".join(lines).encode()
