// Lists the custom errors of src/ that no test expects, and exits with 1 if there are any. Usage: node tools/errors.js [--tests]
// With --tests it says of each error which tests expect it.
//
// A test expects an error where its selector, qualified by the contract, interface or library that declares it, stands between
// the parentheses of vm.expectRevert or vm.expectPartialRevert, of a helper that hands what it was given to one of those, or of
// a helper whose name begins with expect: itself, or by a variable of the same function. Comments and strings are not looked
// at, and what no test function reaches does not count.
const fs = require("fs");
const path = require("path");

const root = path.join(__dirname, "..");
const under = (folder) =>
  fs.readdirSync(path.join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(".sol"))
    .map((name) => ({ name: path.join(folder, name), text: plain(fs.readFileSync(path.join(root, folder, name), "utf8")) }));

/** The source without comments, its strings emptied. */
function plain(source) {
  return source.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found, at) => {
    if (found[0] === "/") return found.replace(/[^\n]/g, " ");
    // Paths of imports are strings that are needed.
    return /(?:from|import)\s*$/.test(source.slice(Math.max(0, at - 10), at)) ? found : `${found[0]}${found[0]}`;
  });
}

/** What stands in brackets that open at `from`, and where they close. */
function bracketed(text, from, open, close) {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === open) depth++;
    if (text[at] === close && --depth === 0) return { inner: text.slice(from + 1, at), end: at };
  }
  return { inner: text.slice(from + 1), end: text.length };
}

/** The functions of a file: name, names of parameters, and body. */
function functionsOf(file) {
  const functions = [];
  for (const found of file.text.matchAll(/\b(?:function\s+(\w+)|(constructor)|modifier\s+(\w+))\s*\(/g)) {
    const parameters = bracketed(file.text, found.index + found[0].length - 1, "(", ")");
    const end = /[{;]/.exec(file.text.slice(parameters.end));
    if (!end || end[0] === ";") continue;
    const body = bracketed(file.text, parameters.end + end.index, "{", "}").inner;
    const names = parameters.inner.split(",").map((one) => /(\w+)\s*$/.exec(one)?.[1]).filter(Boolean);
    functions.push({ file: file.name, name: found[1] ?? found[2] ?? found[3], parameters: names, body });
  }
  return functions;
}

/** What is between the parentheses of the calls in a body, by the name of what is called. */
function callsIn(body) {
  const calls = [];
  for (const found of body.matchAll(/\b(\w+)\s*(?:\{[^{}]*\}\s*)?\(/g)) {
    const open = found.index + found[0].length - 1;
    calls.push({ name: found[1], inner: bracketed(body, open, "(", ")").inner });
  }
  return calls;
}

const hasWord = (text, word) => new RegExp(`\\b${word}\\b`).test(text);

const files = under("test");
const functions = files.flatMap(functionsOf);
for (const one of functions) one.calls = callsIn(one.body);

// What a file has of itself and from the files that it imports.
const imports = new Map(files.map((file) => {
  const paths = [...file.text.matchAll(/from\s*"(\.[^"]+)"/g)].map((found) => path.join(path.dirname(file.name), found[1]));
  return [file.name, paths];
}));
function reach(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const other of imports.get(name) ?? []) reach(other, seen);
  return seen;
}
const reached = new Map(files.map((file) => [file.name, reach(file.name)]));

// Names of what expects an error that it is given.
const expecting = new Set(["expectRevert", "expectPartialRevert"]);
for (let size = -1; size !== expecting.size;) {
  size = expecting.size;
  for (const { name, parameters, calls } of functions) {
    const hands = calls.some((call) => expecting.has(call.name) && parameters.some((one) => hasWord(call.inner, one)));
    if (hands || /^expect[A-Z]/.test(name)) expecting.add(name);
  }
}

/** The errors that a function expects. */
function expectedIn({ body, calls }) {
  const given = calls.filter((call) => expecting.has(call.name)).map((call) => call.inner);
  for (const [, name, value] of body.matchAll(/\b(\w+)\s*=([^=;][^;]*\.selector\b[^;]*);/g)) {
    if (given.some((inner) => hasWord(inner, name))) given.push(value);
  }
  return new Set(given.flatMap((inner) => [...inner.matchAll(/\b(\w+\.\w+)\.selector\b/g)].map((found) => found[1])));
}

/** The test functions that come to a function. */
function testsOf(target, seen = new Set()) {
  if (seen.has(target)) return [];
  seen.add(target);
  if (/^(test|invariant)/.test(target.name)) return [`${path.basename(target.file)} ${target.name}`];
  const calls = (one) => reached.get(one.file).has(target.file) && one.calls.some((call) => call.name === target.name);
  return functions.filter(calls).flatMap((one) => testsOf(one, seen));
}

const tests = new Map();
for (const one of functions) {
  for (const error of expectedIn(one)) tests.set(error, [...(tests.get(error) ?? []), ...testsOf(one)]);
}

// Declarations by the contract, interface or library that they stand in.
const declared = [];
for (const { text } of under("src")) {
  let owner = "";
  for (const line of text.split("\n")) {
    owner = /^(?:abstract )?(?:contract|interface|library) (\w+)/.exec(line)?.[1] ?? owner;
    const error = /^\s*error (\w+)\(/.exec(line)?.[1];
    if (error) declared.push(`${owner}.${error}`);
  }
}
const missing = declared.filter((error) => !tests.get(error)?.length);
if (process.argv.includes("--tests")) {
  for (const error of declared) console.log(`${error}: ${[...new Set(tests.get(error) ?? [])].join(", ")}`);
}
console.log(`${declared.length} custom errors, ${declared.length - missing.length} expected by a test`);
for (const error of missing) console.log(`no test expects ${error}`);
process.exit(missing.length === 0 ? 0 : 1);
