/** Does code that is not ours read what is exported, and do we read what it writes? Debian's python3-cbor2 and python3-cryptography. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { base64Of, hexOf, parseBase64, utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { openCorim } from "../../src/reference/corim.ts";
import { carryCorim } from "../../src/reference/from-corim.ts";
import { makeCorim } from "../../src/reference/to-corim.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { codeOfPromise } from "../support/faults.ts";
import { NOW, trusting } from "./made-corim.ts";

const PYTHON = "/usr/bin/python3";
const isHere = spawnSync(PYTHON, ["-c", "import cbor2, cryptography"]).status === 0;
const reason = isHere ? "" : " (install the packages `python3-cbor2` and `python3-cryptography`)";

/** Opens a COSE_Sign1 by a key, and prints what stands in the CoRIM. The signature is verified over a Sig_structure of its own. */
const READ = `
import sys, json, base64, cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
given = json.load(sys.stdin)
message = cbor2.loads(base64.b64decode(given["corim"]))
assert message.tag == 18
protected, unprotected, payload, signature = message.value
headers = cbor2.loads(protected)
signed = cbor2.dumps(["Signature1", protected, b"", payload])
key = serialization.load_der_public_key(base64.b64decode(given["key"]))
if headers[1] == -8:
    key.verify(signature, signed)
else:
    half = len(signature) // 2
    der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    key.verify(der, signed, ec.ECDSA({-7: hashes.SHA256(), -35: hashes.SHA384()}[headers[1]]))
corim = cbor2.loads(payload)
assert corim.tag == 501
comids = [cbor2.loads(tag.value) for tag in corim.value[1]]
values = [triple for comid in comids for triple in comid[4][0]]
print(json.dumps({
    "alg": headers[1], "type": headers[3], "signer": cbor2.loads(headers[8])[0][0], "kid": headers[4].hex(),
    "profile": corim.value[3] if isinstance(corim.value[3], str) else corim.value[3].value, "canonical": cbor2.dumps(corim, canonical=True) == payload,
    "values": [[m[0], m[1][11], m[1][2][0][1].hex()] for environment, measurements in values for m in measurements],
}))
`;

/** Writes a CoRIM and signs it with a key of its own. */
const WRITE = `
import sys, json, base64, cbor2
from cbor2 import CBORTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
given = json.load(sys.stdin)
value = {2: [[7, bytes.fromhex(given["digest"])]], 11: "by python / 8 vcpu"}
environment = {0: {0: CBORTag(37, bytes.fromhex("d05e6d1b9f464ae2a610ce3e6ee7e153"))}}
comid = {1: {0: bytes(range(16)), 1: 4}, 4: {0: [[environment, [{0: 641, 1: value}]]]}}
corim = CBORTag(501, {0: "python", 1: [CBORTag(506, cbor2.dumps(comid))], 3: CBORTag(32, "tag:amd.com,2025:snp-corim-profile"),
                      4: {1: CBORTag(1, given["until"])}})
key = ec.generate_private_key(ec.SECP384R1())
protected = cbor2.dumps({1: -35, 3: "application/rim+cbor", 15: {1: "python3-cryptography", 4: given["until"]}})
payload = cbor2.dumps(corim)
r, s = decode_dss_signature(key.sign(cbor2.dumps(["Signature1", protected, b"", payload]), ec.ECDSA(hashes.SHA384())))
message = CBORTag(18, [protected, {}, payload, r.to_bytes(48, "big") + s.to_bytes(48, "big")])
spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
print(json.dumps({"corim": base64.b64encode(cbor2.dumps(message)).decode(), "key": base64.b64encode(spki).decode()}))
`;

function python(script: string, given: Readonly<Record<string, string | number>>) {
  const { stdout, stderr, status } = spawnSync(PYTHON, ["-c", script], {
    input: JSON.stringify(given),
    encoding: "utf8",
  });
  return { status, stderr, read: status === 0 ? JSON.parse(stdout) : undefined };
}

describe.skipIf(!isHere)(`python3-cbor2 and python3-cryptography${reason}`, () => {
  const digest = "7a".repeat(48);

  it.each([
    ["p-256", -7],
    ["p-384", -35],
    ["ed25519", -8],
  ] as const)("verify and read what is signed here by a key of %s", async (kind, algorithm) => {
    const text = `writ 1\nmodule m version 1.0.0 { owner "t" }\nrefset images of measurement { owner "t" "a / 4 vcpu" = hex"${digest}" vcpus 4 }`;
    const { program } = compileSources([{ path: "m.writ", text: utf8(text) }], {
      vocabulary: SNP_VOCABULARY,
      digest: nodePrimitives.digest,
      files: () => undefined,
    });
    const key = await nodePrimitives.generateKeyPair(kind);
    const statement = { id: "i", signer: "ACME", sets: program?.refsets ?? [], floors: [] };
    const { bytes } = await makeCorim(statement, key, nodePrimitives);
    const { read, stderr } = python(READ, { corim: base64Of(bytes), key: base64Of(key.spki) });
    expect(stderr).toBe("");
    expect(read).toEqual({
      alg: algorithm,
      type: "application/rim+cbor",
      signer: "ACME",
      kid: hexOf(nodePrimitives.digest("sha256", key.spki)),
      profile: "tag:amd.com,2024:snp-corim-profile",
      canonical: true,
      values: [[641, "a / 4 vcpu", digest]],
    });
    const other = await nodePrimitives.generateKeyPair(kind);
    expect(python(READ, { corim: base64Of(bytes), key: base64Of(other.spki) }).status).toBe(1);
  });

  it("write what is verified and read here", async () => {
    const { read, stderr } = python(WRITE, { digest, until: NOW + 60 });
    expect(stderr).toBe("");
    const [bytes, key] = [read.corim, read.key].map((text: string) => parseBase64(text) ?? new Uint8Array(0));
    if (bytes === undefined || key === undefined) throw new Error("nothing was written");
    const corim = await openCorim(bytes, trusting([key]));
    expect(corim).toMatchObject({
      signature: { signer: "python3-cryptography" },
      validity: { notAfter: NOW + 60 },
    });
    const { sets } = carryCorim(corim, { anyInstance: false, product: undefined });
    expect(sets[0]?.entries).toMatchObject([{ label: "by python / 8 vcpu", vcpus: 8, value: digest }]);
    expect(corim.comids[0]?.tagId).toBe("00010203-0405-0607-0809-0a0b0c0d0e0f");
    const late = trusting([key], instant(NOW + 61));
    expect(await codeOfPromise(openCorim(bytes, late))).toBe("reference/out-of-date");
  });
});
