/** Does the inventory read every certificate that a configuration names, as what it is there for? */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseConfig } from "../../src/runtime/config.ts";
import { certificateFilesOf } from "../../src/runtime/node/certificate-files.ts";

const configuration = (database: string, rest: string) => `
mode = "production"
audience = "https://broker.example"

[listen]
host = "127.0.0.1"
port = 8443

[listen.tls]
cert_file = "chain.pem"
key_file = "key.pem"

[files]
signing_key = "signing-key.pem"
ledger_key = "ledger-key.pem"
kek = "kek.key"
${database}
${rest}`;

const SQLITE = 'database = "ostiary.db"';

const STORED = `
[store]
url = "postgres://broker@db.example/ostiary"
ca_file = "bundle.pem"
`;

const OTHERS = `
[traces]
endpoint = "https://collector.example/v1/traces"
ca_file = "one.pem"

[[audit]]
name = "siem"
kind = "syslog"
address = "tls:siem.example:6514"
ca_file = "two.pem"

[[watched]]
name = "agents"
file = "two.pem"
kind = "agent-ca"
owner = "network team"

[[watched]]
name = "proxy"
file = "one.pem"
`;

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-certificates-"));
  for (const name of ["leaf", "one", "two"]) {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      at(`${name}.key`),
    ];
    const out = ["-out", at(`${name}.pem`), "-subj", `/CN=${name}`];
    execFileSync("openssl", ["req", "-x509", ...key, ...out], { stdio: "ignore" });
  }
  const [leaf, one, two] = ["leaf", "one", "two"].map((name) => readFileSync(at(`${name}.pem`), "utf8"));
  writeFileSync(at("chain.pem"), `${leaf}${one}`);
  writeFileSync(at("bundle.pem"), `${one}${two}`.repeat(10));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(text: string) {
  const files = await certificateFilesOf({ config: parseConfig(text), at })();
  return files.map(({ kind, name, among, owner, scope }) => [kind, name, among ?? owner ?? scope]);
}

it("reads the chain of its own certificate, what is watched, and whom the broker believes", async () => {
  expect(await read(configuration(SQLITE, OTHERS))).toEqual([
    ["broker-tls", "own", undefined],
    ["agent-ca", "own/authority-1", "vouches for the TLS of this broker"],
    ["agent-ca", "agents", "network team"],
    ["watched", "proxy", undefined],
    ["outgoing-ca", "traces", 1],
    ["outgoing-ca", "audit-siem", 1],
  ]);
});

it("tells a handful of a bundle, and how many it holds", async () => {
  const bundle = (await read(configuration("", STORED))).filter(([kind]) => kind === "outgoing-ca");
  expect(bundle).toHaveLength(8);
  expect(bundle[0]).toEqual(["outgoing-ca", "store", 20]);
  expect(bundle[7]).toEqual(["outgoing-ca", "store/authority-7", 20]);
});
