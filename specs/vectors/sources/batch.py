"""Writes batch.json: the data of batches as chapter 12 lays it out, and what is wrong with edited ones.

Written after the chapter; shares nothing with the code. keccak256 is pycryptodome's (through eth-hash), BLAKE3 the
official package, digests and signatures eth-account's (eip712.py). What is wrong with an edit is said by hand.

Faults are written as number and place: `F1 leaf` to `F7 leaf`, `F8 pair`, `F9 leaf`, `F10 leaf input|wasm`, `F11 entry` or `F11 length`,
`F12 entry page`, `F13 entry level index`, `F14 offset` of the first byte, `F15 level index`.

Run (packages eth-account, eth-hash[pycryptodome], blake3): python3 batch.py > ../batch.json
"""

import json
import sys

from blake3 import blake3
from eip712 import address_of, digest, hexed, region, sign, struct_hash, written
from eth_utils import keccak

PAGE = 4096
PART = 16 * PAGE
RECORD = 393
CHAIN, BATCHES = 31337, "0x5fbdb2315678afecb367f032d93f642f64180aa3"
DOMAIN = (CHAIN, BATCHES)
REGION = bytes.fromhex(region(CHAIN, BATCHES, address_of("sequencer"), b"eu-west".ljust(32, b"\0"))["region"][2:])
NUMBER = 7
LEAF_TAG, NODE_TAG = keccak(text="assay.batch.leaf.v1"), keccak(text="assay.batch.node.v1")
ABSENT, HERE, EARLIER, OUTPUT = range(4)


def big(value, size):
    return value.to_bytes(size, "big")


def word(value):
    """A 32-byte word: integers and addresses right-aligned."""
    if isinstance(value, str):
        value = bytes.fromhex(value[2:])
    return big(value, 32) if isinstance(value, int) else bytes(value).rjust(32, b"\0")


def plain_node(left, right):
    return keccak(left + right)


def leaf_node(left, right):
    return keccak(NODE_TAG + left + right)


def levels(bottom, zero, node):
    """The tree over `bottom`, level by level up to the root, each level but the root's padded to an even width."""
    found = [list(bottom)]
    while len(found[-1]) > 1:
        if len(found[-1]) % 2:
            found[-1].append(zero)
        zero = node(zero, zero)
        below = found[-1]
        found.append([node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return found


def full_root(bottom, node):
    """Root of the perfect tree over `bottom`, padded with zero words to a power of two: the definition, no shortcut."""
    level = list(bottom)
    while len(level) & (len(level) - 1):
        level.append(bytes(32))
    while len(level) > 1:
        level = [node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def siblings(bottom, index, node):
    level, found = list(bottom), []
    while len(level) & (len(level) - 1):
        level.append(bytes(32))
    while len(level) > 1:
        found.append(level[index ^ 1])
        index //= 2
        level = [node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return found


def pages_of(data):
    return [data[i : i + PAGE].ljust(PAGE, b"\0") for i in range(0, len(data), PAGE)]


def page_hashes(data):
    return [keccak(page) for page in pages_of(data)]


class Blob:
    def __init__(self, content):
        self.content = content
        self.length = len(content)
        hashes = [blake3(page).digest() for page in pages_of(content or b"\0")]
        self.levels = levels(hashes, blake3(bytes(PAGE)).digest(), plain_node)
        self.root = self.levels[-1][0]
        self.ref = {"root": self.root, "length": self.length}
        tree = b"".join(b"".join(level) for level in self.levels[:-1])
        self.area = content + bytes(-len(content) % PAGE) + tree if tree else content


def pattern(length, seed):
    return bytes((31 * i + (i >> 8) + seed) & 255 for i in range(length))


class Claim:
    """A leaf in full. Whatever is given overrides what an honest client and executor would do."""

    def __init__(self, sequence, blob, **given):
        take = given.pop
        self.sequence = sequence
        client, executor, signer = take("client", "client"), take("executor", "executor"), take("key", "executor key")
        self.request = {
            "client": address_of(client).lower(), "region": take("region", REGION), "program": take("program", keccak(text="program")),
            "input": blob.ref, "fuelLimit": take("fuel_limit", 1_000_000), "outputLengthMax": take("output_length_max", 4096),
            "feeMax": take("fee_max", 10**15), "deadline": take("deadline", 1_900_000_000), "nonce": take("nonce", sequence),
        }
        self.client_signature = take("client_signature", None) or sign(DOMAIN, "TaskRequest", self.request, take("client_signer", client))
        # The record does not repeat the region, so the task id that everybody computes has the batch's.
        self.request["region"] = REGION
        self.task = digest(DOMAIN, "TaskRequest", self.request)
        output = take("output", None) or Blob(b"output of %d" % sequence)
        self.result = {
            "task": self.task, "attempt": take("attempt", 0), "executor": address_of(executor).lower(),
            "status": take("status", 1), "code": take("code", 0), "fuelUsed": take("fuel_used", 1000 + sequence),
            "output": take("output_ref", output.ref),
        }
        self.executor_signature = take("executor_signature", None) or sign(DOMAIN, "TaskResult", self.result, signer)
        self.input, self.wasm = take("input", (ABSENT, 0, 0)), take("wasm", (ABSENT, 0, 0))
        self.predecessor = take("predecessor", (0, 0))
        assert not given, given

    def record(self):
        q, r = self.request, self.result
        packed = b"".join([
            big(self.sequence, 8), bytes.fromhex(q["client"][2:]), q["program"], q["input"]["root"], big(q["input"]["length"], 8),
            big(q["fuelLimit"], 8), big(q["outputLengthMax"], 8), big(q["feeMax"], 16), big(q["deadline"], 8), big(q["nonce"], 8),
            self.client_signature, big(r["attempt"], 4), bytes.fromhex(r["executor"][2:]), big(r["status"], 1), big(r["code"], 4),
            big(r["fuelUsed"], 8), r["output"]["root"], big(r["output"]["length"], 8), self.executor_signature,
            *(big(kind, 1) + big(batch, 8) + big(index, 4) for kind, batch, index in (self.input, self.wasm)),
            big(self.predecessor[0], 8), big(self.predecessor[1], 4),
        ])
        assert len(packed) == RECORD
        return packed

    def leaf(self):
        sources = keccak(b"".join(word(value) for value in (*self.input, *self.wasm, *self.predecessor)))
        return keccak(b"".join([
            LEAF_TAG, word(self.sequence), word(self.result["attempt"]), self.task, keccak(self.client_signature),
            digest(DOMAIN, "TaskResult", self.result), word(self.result["executor"]), keccak(self.executor_signature), sources,
        ]))


class Batch:
    def __init__(self, name, claims, blobs, **given):
        self.name, self.claims, self.blobs = name, claims, blobs
        records = b"".join(claim.record() for claim in claims)
        self.leaves = [claim.leaf() for claim in claims]
        tree = levels(self.leaves, bytes(32), leaf_node)
        assert tree[-1][0] == full_root(self.leaves, leaf_node)
        # Level 0 is in the records, the root in the header.
        self.leaf_tree = b"".join(b"".join(level) for level in tree[1:-1])
        self.leaf_tree_at = len(records)
        self.directory_at = len(records) + len(self.leaf_tree)
        self.directory_end = self.directory_at + 48 * len(blobs)
        end, areas, directory, self.area_at = self.directory_end, b"", b"", []
        for blob in blobs:
            first = -(-end // PAGE)
            directory += blob.root + big(blob.length, 8) + big(0, 4) + big(first, 4)
            self.area_at.append(first * PAGE)
            if blob.area:
                areas += bytes(first * PAGE - end) + blob.area
                end = first * PAGE + len(blob.area)
        self.directory, self.data = directory, records + self.leaf_tree + directory + areas
        assert len(self.data) == end
        self.header = {
            "region": REGION, "number": NUMBER, "parent": keccak(text="parent"), "firstSequence": claims[0].sequence,
            "leafRoot": tree[-1][0], "count": len(claims), "dataRoot": full_root(page_hashes(self.data), plain_node),
            "dataLength": len(self.data), "blobCount": len(blobs), "asOf": 1_800_000_000, "minDeadline": 1_800_003_600,
        } | given

    def case(self):
        hashes = page_hashes(self.data)
        return {
            "name": self.name,
            "header": written(self.header),
            "batchHash": hexed(struct_hash("Batch", self.header)),
            "records": [hexed(claim.record()) for claim in self.claims],
            "tasks": [hexed(claim.task) for claim in self.claims],
            "results": [hexed(digest(DOMAIN, "TaskResult", claim.result)) for claim in self.claims],
            "leaves": [hexed(leaf) for leaf in self.leaves],
            "leafTree": hexed(self.leaf_tree),
            "lastLeafSiblings": [hexed(hash_) for hash_ in siblings(self.leaves, len(self.leaves) - 1, leaf_node)],
            "directory": hexed(self.directory),
            "blobs": [{"root": hexed(blob.root), "length": str(blob.length), "content": hexed(blob.content)} for blob in self.blobs],
            "data": hexed(self.data),
            "pageHashes": [hexed(hash_) for hash_ in hashes],
            "lastPageSiblings": [hexed(hash_) for hash_ in siblings(hashes, len(hashes) - 1, plain_node)],
            "parts": str(-(-len(self.data) // PART)),
        }


def cases():
    none = Blob(b"")
    yield Batch("one leaf, nothing on L1", [Claim(0, none)], [])
    yield Batch("two leaves, one empty blob", [Claim(5, none, input=(HERE, 0, 0)), Claim(9, none, input=(HERE, 0, 0))], [none])
    wasm, long = Blob(b"\0asm\1\0\0\0"), Blob(pattern(PAGE + 1, 7))
    output = Blob(b"out")
    yield Batch("three leaves, blobs of no, one and two pages, an output as input", [
        Claim(20, none, input=(HERE, 0, 0), wasm=(HERE, 0, 1), output=output),
        Claim(21, long, input=(HERE, 0, 2), wasm=(HERE, 0, 1), status=2, code=9),
        Claim(30, output, input=(OUTPUT, NUMBER, 0), wasm=(EARLIER, NUMBER - 1, 3), attempt=1, predecessor=(3, 2)),
    ], [none, wasm, long])
    three, five, short = Blob(pattern(3 * PAGE, 1)), Blob(pattern(4 * PAGE + 9, 2)), Blob(pattern(100, 3))
    yield Batch("eleven leaves, blobs of three, five and one pages", [
        Claim(100 + i, [three, five, short][i % 3], input=(HERE, 0, i % 3), wasm=(HERE, 0, 2)) for i in range(11)
    ], [three, five, short])
    large = Blob(pattern(17 * PAGE - 1, 4))
    yield Batch("two parts", [Claim(0, large, input=(HERE, 0, 0))], [large])


def hostile(all_cases):
    """Edits of a case's data or header, and every fault of the data that each makes."""
    small, big_ = all_cases[2], all_cases[3]

    def edit(name, faults, batch, at=0, put=b"", length=None, **header):
        data = batch.data[:at] + put + batch.data[at + len(put) :]
        if length is not None:
            data = data[:length].ljust(length, b"\0")
        changed = {"dataLength": len(data), "dataRoot": full_root(page_hashes(data), plain_node)} | header
        changed = batch.header | changed
        return {"name": name, "case": all_cases.index(batch), "at": str(at), "bytes": hexed(put), "length": str(len(data)),
                "header": written(changed), "faults": faults}

    def turned(batch, at, size=1):
        return bytes(byte ^ 1 for byte in batch.data[at : at + size])

    nonce, sequence, input_source, wasm_source = 140, 0, 355, 368
    second, third = RECORD, 2 * RECORD
    at = second + nonce + 7
    yield edit("another nonce in leaf 1", ["F8 0"], small, at, turned(small, at))
    at = third + nonce + 7
    yield edit("another nonce in the leaf without a neighbour", ["F8 1"], small, at, turned(small, at))
    yield edit("another leaf root over one leaf", ["F8 0"], all_cases[0], leafRoot=keccak(text="other"))
    yield edit("another leaf root over two leaves", ["F8 0"], all_cases[1], leafRoot=keccak(text="other"))
    yield edit("another leaf root over eleven leaves", ["F15 4 0"], big_, leafRoot=keccak(text="other"))
    # Eleven leaves: six nodes at level 1, three and a pad at level 2, two at level 3.
    at = big_.leaf_tree_at + 32 * 5
    yield edit("another node over a pair of leaves", ["F8 5", "F15 2 2"], big_, at, turned(big_, at))
    at = big_.leaf_tree_at + 32 * 7
    yield edit("another node at level 2", ["F15 2 1", "F15 3 0"], big_, at, turned(big_, at))
    at = big_.leaf_tree_at + 32 * 9
    yield edit("another pad at level 2", ["F15 2 3", "F15 3 1"], big_, at, turned(big_, at))
    yield edit("first sequence number of the header is another", ["F9 0"], small, firstSequence=19)
    yield edit("a sequence number again", ["F8 0", "F9 1"], small, second + sequence, big(20, 8))
    yield edit("a sequence number that descends", ["F8 1", "F9 2"], small, third + sequence, big(7, 8))
    sources = [
        ("a kind that is none", 0, input_source, (4, 0, 0), "F10 0 input"),
        ("no source, with an index", 0, input_source, (ABSENT, 0, 1), "F10 0 input"),
        ("no source, with a batch", 0, wasm_source, (ABSENT, 1, 0), "F10 0 wasm"),
        ("an entry here, with a batch", 0, input_source, (HERE, NUMBER, 0), "F10 0 input"),
        ("an entry past the directory", 0, input_source, (HERE, 0, 3), "F10 0 input"),
        ("a wasm entry past the directory", 1, wasm_source, (HERE, 0, 3), "F10 1 wasm"),
        ("an entry of another blob", 1, input_source, (HERE, 0, 1), "F10 1 input"),
        ("an earlier batch that is this one", 1, input_source, (EARLIER, NUMBER, 0), "F10 1 input"),
        ("the output of the leaf itself", 2, input_source, (OUTPUT, NUMBER, 2), "F10 2 input"),
        ("the output of a leaf behind", 1, input_source, (OUTPUT, NUMBER, 2), "F10 1 input"),
        ("the output of a later batch", 2, input_source, (OUTPUT, NUMBER + 1, 0), "F10 2 input"),
        ("the output of another leaf", 2, input_source, (OUTPUT, NUMBER, 1), "F10 2 input"),
        ("wasm that is an output", 2, wasm_source, (OUTPUT, NUMBER, 0), "F10 2 wasm"),
    ]
    for name, leaf, field, (kind, batch, index), fault in sources:
        yield edit(name, [f"F8 {leaf // 2}", fault], small, leaf * RECORD + field, big(kind, 1) + big(batch, 8) + big(index, 4))
    entry = small.directory_at + 48
    yield edit("an encoding that is none", ["F11 1"], small, entry + 40, big(1, 4))
    yield edit("an area that begins later", ["F11 1"], small, entry + 44, big(2, 4))
    yield edit("an area over another", ["F11 2"], small, entry + 48 + 44, big(1, 4))
    yield edit("an area in the head", ["F11 0"], small, small.directory_at + 44, big(0, 4))
    yield edit("a blob of 2^36 + 1 bytes", ["F10 1 input", "F11 2"], small, entry + 48 + 32, big(2**36 + 1, 8))
    yield edit("an empty blob that is not the first", ["F11 1"], small, entry + 32, big(0, 8))
    yield edit("a blob that leaves the data", ["F10 1 input", "F11 2"], small, entry + 48 + 32, big(3 * PAGE, 8))
    yield edit("a byte less", ["F11 2"], small, length=len(small.data) - 1)
    yield edit("a zero byte more", ["F11 length"], small, length=len(small.data) + 1)
    yield edit("a page more", ["F11 length"], small, length=len(small.data) + PAGE)
    yield edit("a directory that is not there", ["F11 length"], all_cases[0], blobCount=1)
    yield edit("records that are not there", ["F11 length"], all_cases[0], count=2)
    yield edit("the most records there can be", ["F11 length"], all_cases[0], count=2**32 - 1, blobCount=2**32 - 1)
    at = small.directory_at
    yield edit("an empty blob with another root", ["F10 0 input", "F12 0 0"], small, at, turned(small, at))
    at = small.area_at[1]
    yield edit("another byte in a blob of one page", ["F12 1 0"], small, at, turned(small, at))
    at = small.area_at[2] + PAGE
    yield edit("another byte in the last page of a blob", ["F12 2 1"], small, at, turned(small, at))
    yield edit("a byte behind the end of a blob", ["F12 2 1", f"F14 {at + 1}"], small, at + 1, b"\1")
    at = small.area_at[2] + 2 * PAGE
    yield edit("another page hash", ["F12 2 0", "F13 2 1 0"], small, at, turned(small, at))
    # Five pages: six nodes at level 0, three and a pad at level 1, two at level 2.
    tree = big_.area_at[1] + 5 * PAGE
    at = tree + 32 * 5
    yield edit("another pad among page hashes", ["F13 1 0 5", "F13 1 1 2"], big_, at, turned(big_, at))
    at = tree + 32 * 7
    yield edit("another node at level 1 of a blob", ["F13 1 1 1", "F13 1 2 0"], big_, at, turned(big_, at))
    at = tree + 32 * 9
    yield edit("another pad at level 1 of a blob", ["F13 1 1 3", "F13 1 2 1"], big_, at, turned(big_, at))
    at = big_.directory_at + 48 + 31
    yield edit("another root of a blob", [f"F10 {leaf} input" for leaf in (1, 4, 7, 10)] + ["F13 1 3 0"], big_, at, turned(big_, at))
    yield edit("a byte behind the directory", [f"F14 {small.directory_end}"], small, small.directory_end, b"\1")
    at = small.area_at[1] + small.blobs[1].length
    yield edit("a byte behind a blob of one page", ["F12 1 0", f"F14 {at}"], small, at, b"\1")
    at = tree + 32 * 12
    yield edit("a byte behind the tree of a blob", [f"F14 {at + 5}"], big_, at + 5, b"\1")


AS_OF, POSTED = 1_800_000_000, 1_800_000_300
LIMITS = {"fuelLimitMax": 2**36, "outputLengthMax": 2**28, "inputLengthMax": 2**30, "sourceHorizon": 4}
WASM, EARLIER_INPUT, EARLIER_OUTPUT = Blob(b"\0asm\1\0\0\0"), Blob(b"input of an earlier batch"), Blob(b"output of an earlier leaf")


def earlier_leaves():
    """Leaves of earlier batches: a task that was run twice and voided, one that was voided late, one that stands."""
    none = Blob(b"")
    for index, (nonce, attempt, voided) in enumerate([(70, 0, POSTED - 9), (70, 1, POSTED), (71, 0, POSTED + 1), (72, 0, 0)]):
        claim = Claim(0, none, nonce=nonce, attempt=attempt, output=EARLIER_OUTPUT)
        yield {"batch": "3", "index": str(index), "task": hexed(claim.task), "attempt": str(attempt),
               "outputRoot": hexed(EARLIER_OUTPUT.root), "outputLength": str(EARLIER_OUTPUT.length), "voidedAt": str(voided)}


def facts():
    """What L1 says. A `voidedAt` of 0 is a leaf that stands; times end before `until`."""
    def who(name):
        return address_of(name).lower()

    def entry(batch, index, blob):
        return {"batch": str(batch), "index": str(index), "root": hexed(blob.root), "length": str(blob.length)}

    return {
        "limits": {name: str(value) for name, value in LIMITS.items()},
        "executors": [
            {"owner": who("executor"), "from": str(AS_OF - 1000), "until": str(2**64 - 1)},
            {"owner": who("gone"), "from": str(AS_OF - 1000), "until": str(AS_OF)},
            {"owner": who("leaving"), "from": str(AS_OF - 1000), "until": str(AS_OF + 1)},
            {"owner": who("late"), "from": str(AS_OF + 1), "until": str(2**64 - 1)},
        ],
        "keys": [
            {"owner": who("executor"), "key": who("executor key"), "from": str(AS_OF), "until": str(2**64 - 1)},
            {"owner": who("executor"), "key": who("revoked key"), "from": str(AS_OF - 9), "until": str(AS_OF)},
            {"owner": who("executor"), "key": who("later key"), "from": str(AS_OF + 1), "until": str(2**64 - 1)},
        ],
        "programs": [
            {"id": hexed(keccak(text="program")), "registeredAt": str(AS_OF), "root": hexed(WASM.root), "length": str(WASM.length)},
            {"id": hexed(keccak(text="late program")), "registeredAt": str(AS_OF + 1), "root": hexed(WASM.root), "length": str(WASM.length)},
        ],
        "leaves": list(earlier_leaves()),
        "entries": [entry(3, 0, EARLIER_INPUT), entry(3, 1, WASM), entry(2, 0, EARLIER_INPUT)],
    }


def accused():
    """Batches whose bytes are well-formed, and every fault of what they claim."""
    none = Blob(b"")
    long = Blob(b"")
    long.ref = {"root": none.root, "length": 2**30 + 1}
    good = Claim(0, none)

    def row(name, faults, claims, blobs=(), **header):
        batch = Batch(name, claims, list(blobs), **header)
        return {"name": name, "header": written(batch.header), "data": hexed(batch.data), "postedAt": str(POSTED), "faults": faults}

    def one(name, faults, blob=none, **given):
        return row(name, faults, [Claim(0, blob, **given)])

    yield row("an honest batch", [], [
        Claim(0, none), Claim(1, none, key="executor"), Claim(2, none, executor="leaving", key="leaving"),
        Claim(3, none, nonce=70, attempt=2, predecessor=(3, 1), output=EARLIER_OUTPUT), Claim(4, none, status=2, code=7),
        Claim(5, none, status=3, fuel_used=1_000_000, output=none), Claim(6, none, fuel_limit=2**36, output_length_max=2**28),
        Claim(7, EARLIER_INPUT, input=(EARLIER, 3, 0), wasm=(EARLIER, 3, 1)),
        Claim(8, EARLIER_OUTPUT, input=(OUTPUT, 3, 0), wasm=(HERE, 0, 0)),
        Claim(9, EARLIER_OUTPUT, input=(OUTPUT, NUMBER, 3), deadline=1_800_003_600),
    ], [WASM])
    high = (0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - int.from_bytes(good.client_signature[32:64], "big")).to_bytes(32, "big")
    yield one("a request that another signed", ["F1 0"], client_signer="mallory")
    yield one("a request of another region", ["F1 0"], region=keccak(text="elsewhere"))
    yield one("a request signed for another chain", ["F1 0"], client_signature=sign((1, BATCHES), "TaskRequest", good.request, "client"))
    yield one("a request signed for another contract", ["F1 0"], client_signature=sign((CHAIN, "0x" + "11" * 20), "TaskRequest", good.request, "client"))
    yield one("a client's signature with v 0", ["F1 0"], client_signature=good.client_signature[:64] + b"\0")
    yield one("a client's signature with a high s", ["F1 0"],
              client_signature=good.client_signature[:32] + high + bytes([55 - good.client_signature[64]]))
    yield one("a client's signature of zeros", ["F1 0"], client_signature=bytes(64) + b"\x1b")
    yield one("a result that another signed", ["F2 0"], key="mallory")
    yield one("a result signed by a revoked key", ["F2 0"], key="revoked key")
    yield one("a result signed by a key of later", ["F2 0"], key="later key")
    yield one("an executor that is none", ["F2 0"], executor="mallory", key="mallory")
    yield one("an executor that was gone", ["F2 0"], executor="gone", key="gone")
    yield one("an executor of later", ["F2 0"], executor="late", key="late")
    yield one("an executor's signature of zeros", ["F2 0"], executor_signature=bytes(65))
    yield one("a fuel limit above the deployment's", ["F3 0"], fuel_limit=2**36 + 1)
    yield one("an output limit above the deployment's", ["F3 0"], output_length_max=2**28 + 1)
    yield one("an input longer than the deployment admits", ["F3 0"], long)
    yield one("more fuel used than the limit", ["F3 0"], fuel_used=1_000_001)
    yield one("more output than the limit", ["F3 0"], output_length_max=2)
    for status in (0, 4, 255):
        yield one(f"status {status}", ["F3 0"], status=status)
    exhausted = {"status": 3, "fuel_used": 1_000_000, "output": none}
    yield one("exhaustion with a code", ["F3 0"], **exhausted | {"code": 1})
    yield one("exhaustion with fuel left", ["F3 0"], **exhausted | {"fuel_used": 999_999})
    yield one("exhaustion with output", ["F3 0"], **exhausted | {"output": Blob(b"a")})
    yield one("exhaustion with another empty output", ["F3 0"], **exhausted | {"output_ref": {"root": bytes(32), "length": 0}})
    yield one("a program that is none", ["F4 0"], program=bytes(32))
    yield one("a program of later", ["F4 0"], program=keccak(text="late program"))
    yield row("an attempt twice in a batch", ["F5 2"], [Claim(0, none, nonce=1), Claim(1, none, nonce=2), Claim(2, none, nonce=1)])
    yield one("an attempt of an earlier batch", ["F5 0"], nonce=72)
    yield one("a first attempt with a predecessor", ["F6 0"], predecessor=(3, 0))
    yield one("a predecessor that is not there", ["F6 0"], nonce=70, attempt=2, predecessor=(3, 9))
    yield row("a predecessor in the same batch", ["F6 1"], [Claim(0, none, nonce=9), Claim(1, none, nonce=9, attempt=1, predecessor=(NUMBER, 0))])
    yield one("a predecessor in a later batch", ["F6 0"], attempt=1, predecessor=(NUMBER + 1, 0))
    yield one("a predecessor of another task", ["F6 0"], attempt=1, predecessor=(3, 0))
    yield one("a predecessor two attempts before", ["F6 0"], nonce=70, attempt=2, predecessor=(3, 0))
    yield one("a predecessor that became void later", ["F6 0"], nonce=71, attempt=1, predecessor=(3, 2))
    yield one("a predecessor that stands", ["F6 0"], nonce=72, attempt=1, predecessor=(3, 3))
    yield one("a deadline before the header's", ["F7 0"], deadline=1_800_003_599)
    yield one("an entry beyond the horizon", ["F10 0 input"], EARLIER_INPUT, input=(EARLIER, 2, 0))
    yield one("an entry that an earlier batch has not", ["F10 0 input"], EARLIER_INPUT, input=(EARLIER, 3, 2))
    yield one("an earlier entry of another blob", ["F10 0 input"], EARLIER_INPUT, input=(EARLIER, 3, 1))
    yield one("an output of a leaf that is not there", ["F10 0 input"], EARLIER_OUTPUT, input=(OUTPUT, 3, 9))
    yield one("an output that is another blob", ["F10 0 input"], EARLIER_INPUT, input=(OUTPUT, 3, 0))
    yield row("wasm here that is another module", ["F10 0 wasm"], [Claim(0, none, wasm=(HERE, 0, 0))], [EARLIER_INPUT])
    yield one("wasm of earlier that is another module", ["F10 0 wasm"], wasm=(EARLIER, 3, 0))


def main():
    batches = list(cases())
    json.dump({
        "source": "specs/vectors/sources/batch.py: eth-account, pycryptodome and blake3 of PyPI",
        "chainId": str(CHAIN),
        "batches": BATCHES,
        "sequencer": address_of("sequencer").lower(),
        "regionName": hexed(b"eu-west".ljust(32, b"\0")),
        "region": hexed(REGION),
        "executor": address_of("executor").lower(),
        "executorKey": address_of("executor key").lower(),
        "cases": [batch.case() for batch in batches],
        "hostile": list(hostile(batches)),
        "facts": facts(),
        "accused": list(accused()),
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
