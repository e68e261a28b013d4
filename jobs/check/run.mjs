// Runs the sample jobs under Node's WASI and compares exit code, stdout and stderr with cases.txt.
//
// Usage: node jobs/check/run.mjs [job ...]          runs all cases, or those of the named jobs
//        node jobs/check/run.mjs --stdin job        runs one job on this process's stdin and stdout

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Node warns on every start that its WASI is experimental; that is no news for this script.
process.removeAllListeners('warning');
const { WASI } = await import('node:wasi');

const jobs = dirname(dirname(fileURLToPath(import.meta.url)));

async function run(job, stdin, stdout, stderr) {
  const wasi = new WASI({ version: 'preview1', returnOnExit: true, stdin, stdout, stderr });
  const module = await WebAssembly.compile(readFileSync(join(jobs, 'wasm', `${job}.wasm`)));
  return wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
}

async function runCase(folder, job, input) {
  const [out, err] = ['stdout', 'stderr'].map((name) => join(folder, name));
  const files = [openSync(join(jobs, 'inputs', input), 'r'), openSync(out, 'w'), openSync(err, 'w')];
  try {
    return { exit: await run(job, ...files), stdout: readFileSync(out), stderr: readFileSync(err, 'utf8') };
  } finally {
    files.forEach(closeSync);
  }
}

function complain(result, exit, stdout, stderr) {
  const expected = stdout === '-' ? Buffer.alloc(0) : readFileSync(join(jobs, 'expected', stdout));
  if (result.exit !== Number(exit)) return `exit code ${exit} wanted, got ${result.exit}: ${result.stderr}`;
  if (!result.stdout.equals(expected)) return `stdout differs from ${stdout}`;
  if (!result.stderr.includes(stderr)) return `stderr lacks '${stderr}': ${result.stderr}`;
  if (exit !== '2' && result.stderr !== '') return `stderr has noise: ${result.stderr}`;
  return null;
}

async function runCases(wanted) {
  const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  let [passed, failed] = [0, 0];
  for (const line of readFileSync(join(jobs, 'cases.txt'), 'utf8').split('\n')) {
    const [, job, input, exit, stdout, stderr] = /^([^#\s]\S*)\s+(\S+)\s+(\d+)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
    if (!job || (wanted.length > 0 && !wanted.includes(job))) continue;
    const problem = complain(await runCase(folder, job, input), exit, stdout, stderr);
    if (problem) console.error(`${job} on ${input}: ${problem}`);
    problem ? failed++ : passed++;
  }
  rmSync(folder, { recursive: true });
  console.log(`${passed + failed} cases, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

const [first, ...rest] = process.argv.slice(2);
process.exitCode = first === '--stdin' ? await run(rest[0], 0, 1, 2) : await runCases(first ? [first, ...rest] : []);
