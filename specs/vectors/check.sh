#!/usr/bin/env bash
# Checks that the committed vectors are, byte for byte, what their scripts write. A script whose packages are missing is
# counted as skipped, with the reason; nothing is installed here.
#
# Usage: check.sh
set -euo pipefail
cd "$(dirname "$0")"

written="$(mktemp)"
trap 'rm -f "$written"' EXIT
same=0 differ=0 skipped=0
for script in sources/*.py; do
    vectors="$(basename "$script" .py).json"
    # What a script imports, by its own words; a missing package is told from a script that is broken.
    missing="$(python3 - "$script" <<'PYTHON'
import ast, importlib.util, sys

sys.path.insert(0, "sources")
tree = ast.parse(open(sys.argv[1]).read())
imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
imports += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
print(*sorted(name for name in {name.split(".")[0] for name in imports} if importlib.util.find_spec(name) is None))
PYTHON
    )"
    if [ -n "$missing" ]; then
        echo "skipped: $vectors: its script needs the Python packages: $missing"
        skipped=$((skipped + 1))
    elif python3 "$script" >"$written" && cmp "$written" "$vectors"; then
        same=$((same + 1))
    else
        echo "$vectors is not what $script writes" >&2
        differ=$((differ + 1))
    fi
done
echo "$same vector files are what their scripts write, $differ are not, $skipped skipped"
[ "$differ" -eq 0 ]
