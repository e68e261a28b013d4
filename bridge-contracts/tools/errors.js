// Lists the custom errors of src/ that no test expects, and exits with 1 if there are any. Usage: node tools/errors.js
// A test expects an error where its selector stands in test/, qualified by the contract, interface or library that declares it.
const fs = require("fs");
const path = require("path");

const root = path.join(__dirname, "..");
const under = (folder) =>
  fs.readdirSync(path.join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(".sol"))
    .map((name) => fs.readFileSync(path.join(root, folder, name), "utf8"));

// Declarations by the contract, interface or library that they stand in.
const declared = [];
for (const source of under("src")) {
  let owner = "";
  for (const line of source.split("\n")) {
    owner = /^(?:abstract )?(?:contract|interface|library) (\w+)/.exec(line)?.[1] ?? owner;
    const error = /^\s*error (\w+)\(/.exec(line)?.[1];
    if (error) declared.push(`${owner}.${error}`);
  }
}
const tests = under("test").join("\n");
const missing = declared.filter((error) => !new RegExp(`\\b${error.replace(".", "\\.")}\\.selector\\b`).test(tests));
console.log(`${declared.length} custom errors, ${declared.length - missing.length} expected by a test`);
for (const error of missing) console.log(`no test expects ${error}`);
process.exit(missing.length === 0 ? 0 : 1);
