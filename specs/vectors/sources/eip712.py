"""Writes eip712.json: type strings, struct hashes, digests and signatures of the objects of chapter 11.

Everything is computed by `eth-account` of PyPI, an implementation of EIP-712 and of RFC 6979 signatures that shares
nothing with ours; the type strings are written here after the chapter, and eth-account derives its own from the fields.
Refused signatures are edits of a good one.

Run (packages eth-account and eth-hash[pycryptodome]): python3 eip712.py > ../eip712.json
"""

import json
import sys

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

BLOB_REF = [("bytes32", "root"), ("uint64", "length")]
TYPES = {
    "TaskRequest": [
        ("address", "client"), ("bytes32", "region"), ("bytes32", "program"), ("BlobRef", "input"),
        ("uint64", "fuelLimit"), ("uint64", "outputLengthMax"), ("uint128", "feeMax"), ("uint64", "deadline"),
        ("uint64", "nonce"),
    ],
    "TaskResult": [
        ("bytes32", "task"), ("uint32", "attempt"), ("address", "executor"), ("uint8", "status"), ("uint32", "code"),
        ("uint64", "fuelUsed"), ("BlobRef", "output"),
    ],
    "SoftReceipt": [
        ("bytes32", "region"), ("bytes32", "task"), ("uint64", "sequence"), ("uint64", "timeMs"),
        ("uint64", "includeBy"),
    ],
    "Batch": [
        ("bytes32", "region"), ("uint64", "number"), ("bytes32", "parent"), ("uint64", "firstSequence"),
        ("bytes32", "leafRoot"), ("uint32", "count"), ("bytes32", "dataRoot"), ("uint32", "dataLength"),
        ("uint32", "blobCount"), ("uint64", "asOf"), ("uint64", "minDeadline"),
    ],
    "KeyConsent": [("uint8", "role"), ("address", "owner")],
    "ExecutorSession": [("bytes32", "region"), ("address", "executor"), ("bytes32", "nonce")],
}
DOMAIN_TYPE = [("string", "name"), ("string", "version"), ("uint256", "chainId"), ("address", "verifyingContract")]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def hexed(data):
    return "0x" + bytes(data).hex()


def key_of(name):
    """A key for a name, so that the vectors are the same on every run."""
    return keccak(text="assay vectors: " + name)


def address_of(name):
    return Account.from_key(key_of(name)).address


def members(fields):
    return [{"type": kind, "name": name} for kind, name in fields]


def signable(domain, primary, message):
    """The message as eth-account sees it. `domain` is (chain id, verifying contract)."""
    fields = TYPES[primary]
    types = {"EIP712Domain": members(DOMAIN_TYPE), primary: members(fields)}
    if any(kind == "BlobRef" for kind, _ in fields):
        types["BlobRef"] = members(BLOB_REF)
    return encode_typed_data(full_message={
        "types": types,
        "primaryType": primary,
        "domain": {"name": "Assay", "version": "1", "chainId": domain[0], "verifyingContract": domain[1]},
        "message": message,
    })


def separator(domain):
    return signable(domain, "KeyConsent", {"role": 0, "owner": "0x" + "00" * 20}).header


def struct_hash(primary, message):
    return signable((1, "0x" + "11" * 20), primary, message).body


def digest(domain, primary, message):
    message = signable(domain, primary, message)
    return keccak(b"\x19\x01" + message.header + message.body)


def sign(domain, primary, message, name):
    return bytes(Account.sign_message(signable(domain, primary, message), key_of(name)).signature)


def type_string(primary):
    joined = ",".join(f"{kind} {name}" for kind, name in TYPES[primary])
    blob = "BlobRef(bytes32 root,uint64 length)" if "BlobRef " in joined else ""
    return f"{primary}({joined}){blob}"


def most(kind):
    if kind == "address":
        return "0x" + "ff" * 20
    if kind == "bytes32":
        return b"\xff" * 32
    if kind == "BlobRef":
        return {name: most(inner) for inner, name in BLOB_REF}
    return 2 ** int(kind.removeprefix("uint")) - 1


def some(kind, seed):
    """A value of no particular shape."""
    noise = keccak(text=seed)
    if kind == "address":
        return hexed(noise[:20])
    if kind == "bytes32":
        return noise
    if kind == "BlobRef":
        return {name: some(inner, seed + "." + name) for inner, name in BLOB_REF}
    return int.from_bytes(noise[: int(kind.removeprefix("uint")) // 8], "big")


def none(kind):
    if kind == "BlobRef":
        return {"root": bytes(32), "length": 0}
    return {"address": "0x" + "00" * 20, "bytes32": bytes(32)}.get(kind, 0)


def written(value):
    """A value as the file holds it: integers as decimal strings, bytes as hexadecimal."""
    if isinstance(value, dict):
        return {name: written(inner) for name, inner in value.items()}
    if isinstance(value, int):
        return str(value)
    return hexed(value) if isinstance(value, bytes) else value.lower()


def cases(primary, domains):
    fields = TYPES[primary]
    messages = [("zero", {name: none(kind) for kind, name in fields}), ("most", {name: most(kind) for kind, name in fields})]
    messages += [(f"some {i}", {name: some(kind, f"{primary} {i} {name}") for kind, name in fields}) for i in range(3)]
    for i, (name, message) in enumerate(messages):
        domain = domains[i % len(domains)]
        yield {
            "name": name,
            "type": primary,
            "chainId": str(domain[0]),
            "verifyingContract": domain[1],
            "message": written(message),
            "structHash": hexed(struct_hash(primary, message)),
            "digest": hexed(digest(domain, primary, message)),
            "signer": address_of("client").lower(),
            "signature": hexed(sign(domain, primary, message, "client")),
        }


def refused(hash_, good):
    """Edits of a good signature, and what is wrong with each."""
    r, s, v = good[:32], int.from_bytes(good[32:64], "big"), good[64]
    high = (ORDER - s).to_bytes(32, "big")
    tail = good[32:64]
    # 5 is no x coordinate: 5^3 + 7 = 132 is not a square modulo the field's prime.
    prime = 2**256 - 2**32 - 977
    assert pow(132, (prime - 1) // 2, prime) == prime - 1
    edits = [
        ("empty", "length", b""),
        ("one byte short", "length", good[:64]),
        ("one byte long", "length", good + b"\x00"),
        ("compact of EIP-2098", "length", r + ((v - 27) << 255 | s).to_bytes(32, "big")),
        ("v is 0", "v", good[:64] + b"\x00"),
        ("v is 1", "v", good[:64] + b"\x01"),
        ("v is 26", "v", good[:64] + b"\x1a"),
        ("v is 29", "v", good[:64] + b"\x1d"),
        ("s is high, v turned with it", "high s", r + high + bytes([55 - v])),
        ("s is high", "high s", r + high + bytes([v])),
        ("s is half the order and one", "high s", r + (ORDER // 2 + 1).to_bytes(32, "big") + bytes([v])),
        ("s is the order", "high s", r + ORDER.to_bytes(32, "big") + bytes([v])),
        ("s is 0", "unrecoverable", r + bytes(32) + bytes([v])),
        ("r is 0", "unrecoverable", bytes(32) + tail + bytes([v])),
        ("r is the order", "unrecoverable", ORDER.to_bytes(32, "big") + tail + bytes([v])),
        ("r is on no point", "unrecoverable", (5).to_bytes(32, "big") + tail + bytes([v])),
    ]
    return [{"name": name, "digest": hexed(hash_), "signature": hexed(data), "error": error} for name, error, data in edits]


def region(chain_id, batches, owner, name):
    words = [chain_id.to_bytes(32, "big"), bytes.fromhex(batches[2:]).rjust(32, b"\0"),
             bytes.fromhex(owner[2:]).rjust(32, b"\0"), name]
    return {"chainId": str(chain_id), "batches": batches.lower(), "owner": owner.lower(), "name": hexed(name),
            "region": hexed(keccak(b"".join(words)))}


def main():
    domains = [(1, "0x" + "b1" * 20), (31337, "0x5fbdb2315678afecb367f032d93f642f64180aa3"), (2**64 - 1, "0x" + "00" * 19 + "01")]
    domain, primary = domains[0], "TaskResult"
    message = {name: some(kind, "refused " + name) for kind, name in TYPES[primary]}
    json.dump({
        "source": "specs/vectors/sources/eip712.py: eth-account of PyPI",
        "domains": [{"chainId": str(chain), "verifyingContract": contract, "separator": hexed(separator((chain, contract)))}
                    for chain, contract in domains],
        "types": [{"name": name, "type": type_string(name), "typeHash": hexed(keccak(text=type_string(name)))}
                  for name in TYPES],
        "objects": [case for primary in TYPES for case in cases(primary, domains)],
        "refused": refused(digest(domain, primary, message), sign(domain, primary, message, "client")),
        "regions": [region(1, "0x" + "b1" * 20, address_of("sequencer"), bytes(32)),
                    region(31337, domains[1][1], "0x" + "0a" * 20, b"eu-west".ljust(32, b"\0"))],
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
