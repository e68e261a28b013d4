// Submits a job, waits for its result and prints the output.
//
// Usage: node submit.mjs URL FILE.wasm INPUT [STATE ...]
// The client's key is ASSAY_KEY, 32 bytes in hex. States: executed (default), posted, final, attested.
import { readFile } from "node:fs/promises";
import { privateKeyToAccount } from "viem/accounts";
import { fetchBlob, reaches, sequencer, submit } from "./assay.mjs";

const [url, wasm, input, ...states] = process.argv.slice(2);
if (input === undefined || !process.env.ASSAY_KEY) {
  console.error("usage: ASSAY_KEY=0x... node submit.mjs URL FILE.wasm INPUT [STATE ...]");
  process.exit(2);
}
const assay = sequencer(url);
const account = privateKeyToAccount(process.env.ASSAY_KEY);
const { receipt } = await submit(assay, account, await readFile(wasm), await readFile(input));
console.error(`task ${receipt.task}, place ${Number(receipt.sequence)} in the order`);
const wanted = states.length > 0 ? states : ["executed", "posted", "final", "attested"];
const view = await reaches(assay, receipt.task, wanted);
const { result } = view.result;
console.error(`${view.state}: status ${Number(result.status)}, code ${Number(result.code)}, fuel ${Number(result.fuelUsed)}`);
process.stdout.write(await fetchBlob(url, result.output));
