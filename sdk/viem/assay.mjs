// What an application in JavaScript needs of Assay: names of blobs, requests as typed data, and the sequencer's methods
// (specs/17-rpc.md) on any viem transport.
import { blake3 } from "@noble/hashes/blake3";
import { bytesToHex, concat, createClient, hashTypedData, http, keccak256, toHex } from "viem";

const PAGE = 4096;

// Types of a request (specs/11-objects.md, "Typed data").
export const types = {
  BlobRef: [
    { name: "root", type: "bytes32" },
    { name: "length", type: "uint64" },
  ],
  TaskRequest: [
    { name: "client", type: "address" },
    { name: "region", type: "bytes32" },
    { name: "program", type: "bytes32" },
    { name: "input", type: "BlobRef" },
    { name: "fuelLimit", type: "uint64" },
    { name: "outputLengthMax", type: "uint64" },
    { name: "feeMax", type: "uint128" },
    { name: "deadline", type: "uint64" },
    { name: "nonce", type: "uint64" },
  ],
};

// The name of some bytes as a blob (specs/02-memory.md, "Blobs"): pages by BLAKE3, nodes over them by Keccak.
export function blobOf(bytes) {
  let pages = 1;
  while (pages * PAGE < bytes.length) pages *= 2;
  let level = Array.from({ length: pages }, (_, index) => {
    const page = new Uint8Array(PAGE);
    page.set(bytes.subarray(index * PAGE, (index + 1) * PAGE));
    return bytesToHex(blake3(page));
  });
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, index) =>
      keccak256(concat([level[2 * index], level[2 * index + 1]])));
  }
  return { root: level[0], length: BigInt(bytes.length) };
}

// A sequencer at `http://host:port`. Integers go over the wire as hex quantities.
export function sequencer(url) {
  const client = createClient({ transport: http(url) });
  return async (method, ...params) => client.request({ method, params: params.map(wire) });
}

function wire(value) {
  if (value instanceof Uint8Array) return bytesToHex(value);
  if (typeof value === "bigint" || typeof value === "number") return toHex(value);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, wire(field)]));
}

// Makes a module a program, signs a request for it, and submits it. Answers with the signed receipt.
export async function submit(assay, account, wasm, input, options = {}) {
  const status = await assay("assay_status");
  const { program } = await assay("assay_registerProgram", wasm);
  const request = {
    client: account.address,
    region: status.region,
    program,
    input: blobOf(input),
    fuelLimit: options.fuelLimit ?? 1_000_000_000n,
    outputLengthMax: options.outputLengthMax ?? 1n << 20n,
    feeMax: options.feeMax ?? BigInt(status.limits.feeMin),
    deadline: BigInt(status.l1Time) + (options.seconds ?? 3600n),
    nonce: options.nonce ?? BigInt(Date.now()),
  };
  const domain = {
    name: "Assay",
    version: "1",
    chainId: Number(status.chainId),
    verifyingContract: status.batchesContract,
  };
  const typed = { domain, types, primaryType: "TaskRequest", message: request };
  const signature = await account.signTypedData(typed);
  const receipt = await assay("assay_submitTask", request, signature, input);
  const id = hashTypedData(typed);
  if (receipt.receipt.task !== id) throw new Error(`the receipt is for task ${receipt.receipt.task}, wanted ${id}`);
  return receipt;
}

// The way of a task (specs/17-rpc.md, "Tasks"): each state is further than those before it. Beside it is the end of one that expired.
const way = ["queued", "running", "executed", "posted", "challenged", "attested", "final"];
const ends = ["attested", "final", "expired"];

// Waits until a task has come to one of these states or further, at most so many seconds.
export async function reaches(assay, task, states, seconds = 120) {
  const isThere = (state) => states.some((wanted) =>
    state === wanted || (way.includes(wanted) && way.indexOf(state) > way.indexOf(wanted)));
  for (const end = Date.now() + 1000 * seconds; ;) {
    const view = await assay("assay_getTask", task);
    if (view !== null && isThere(view.state)) return view;
    if (ends.includes(view?.state) || Date.now() > end) {
      throw new Error(`task ${task} is ${view?.state ?? "unknown"}, wanted ${states.join(" or ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

// The bytes of a blob, checked.
export async function fetchBlob(url, { root, length }) {
  const answer = await fetch(`${url}/v1/blobs/${root}-${Number(length)}`);
  if (!answer.ok) throw new Error(`the blob ${root} is not to be had: ${answer.status} ${await answer.text()}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const got = blobOf(bytes);
  if (got.root !== root || got.length !== BigInt(length)) throw new Error(`the bytes are blob ${got.root}, wanted ${root}`);
  return bytes;
}
