#!/usr/bin/env node
// Prints what Rust needs of a compiled contract, and nothing that differs between hosts: ABI, creation code, code.
//
//     node tools/artifact.js out/StepVerifier.sol/StepVerifier.json > artifacts/StepVerifier.json
"use strict";

const CODE_BYTES_MAX = 24576; // EIP-170

const [path] = process.argv.slice(2);
const compiled = JSON.parse(require("fs").readFileSync(path, "utf8"));
const codeBytes = (compiled.deployedBytecode.object.length - 2) / 2;
if (codeBytes > CODE_BYTES_MAX) {
  process.stderr.write(`${path}: ${codeBytes} bytes of code, at most ${CODE_BYTES_MAX} can be deployed\n`);
  process.exit(1);
}
const artifact = {
  abi: compiled.abi,
  bytecode: compiled.bytecode.object,
  deployedBytecode: compiled.deployedBytecode.object,
};
process.stdout.write(`${JSON.stringify(artifact, null, 1)}\n`);
