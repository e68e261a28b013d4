// Runs forge with the arguments given and ends with its exit status. The starter that comes with the package ends with 0
// whatever becomes of forge, so that no check would ever fail. Usage: node tools/forge.js ARGUMENTS
const { spawnSync } = require("child_process");

const arch = process.arch === "x64" ? "amd64" : process.arch;
const binary = process.platform === "win32" ? "forge.exe" : "forge";
const ended = spawnSync(require.resolve(`@foundry-rs/forge-${process.platform}-${arch}/bin/${binary}`), process.argv.slice(2), {
  stdio: "inherit",
});
if (ended.error) console.error(`forge: ${ended.error.message}`);
process.exit(ended.status ?? 1);
