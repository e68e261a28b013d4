#!/usr/bin/env node
// The Solidity compiler as forge expects one: a program that answers `--version` and `--standard-json`.
// It runs the `solc` package pinned in package-lock.json, so that no compiler has to be downloaded.
"use strict";

const solc = require("solc");

const options = process.argv.slice(2);
if (options.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (options.includes("--standard-json")) {
  const input = require("fs").readFileSync(0, "utf8");
  process.stdout.write(solc.compile(input));
} else {
  process.stderr.write(`solc.js: wanted --version or --standard-json, got: ${options.join(" ")}\n`);
  process.exitCode = 1;
}
