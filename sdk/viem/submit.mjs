// Submits a job, waits for its result and prints the output.
//
// Usage: node submit.mjs URL FILE.wasm INPUT [STATE ...]
// The client's key is ASSAY_KEY, 32 bytes in hex. It waits until the job has come to one of the states or further: executed (default),
// posted, attested, final.
import { readFile } from "node:fs/promises";
import { privateKeyToAccount } from "viem/accounts";
import { fetchBlob, reaches, sequencer, submit } from "./assay.mjs";

const states = ["executed", "posted", "attested", "final"];
const [url, wasm, input, ...wanted] = process.argv.slice(2);
if (input === undefined || !process.env.ASSAY_KEY) {
  console.error("usage: ASSAY_KEY=0x... node submit.mjs URL FILE.wasm INPUT [STATE ...]");
  process.exit(2);
}
const unknown = wanted.find((state) => !states.includes(state));
if (unknown !== undefined) {
  console.error(`there is no state ${unknown} to wait for, only ${states.join(", ")}`);
  process.exit(2);
}
const assay = sequencer(url);
const account = privateKeyToAccount(process.env.ASSAY_KEY);
const { receipt } = await submit(assay, account, await readFile(wasm), await readFile(input));
console.error(`task ${receipt.task}, place ${Number(receipt.sequence)} in the order`);
const view = await reaches(assay, receipt.task, wanted.length > 0 ? wanted : ["executed"]);
const { result } = view.result;
console.error(`${view.state}: status ${Number(result.status)}, code ${Number(result.code)}, fuel ${Number(result.fuelUsed)}`);
process.stdout.write(await fetchBlob(url, result.output));
