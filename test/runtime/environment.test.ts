/** Does each `OSTIARY_*` stand for its member, and none for what only the file may say? */

import { describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { parseConfig } from "../../src/runtime/config.ts";
import { CONFIG } from "../../src/runtime/config-schema.ts";
import { type Environment, SETTINGS } from "../../src/runtime/environment.ts";
import { CREDENTIAL_KINDS } from "../../src/wire/credential-messages.ts";

const HEAD = 'mode = "production"\naudience = "https://broker.example"\n';
const LISTEN = '[listen]\nhost = "127.0.0.1"\nport = 8443\n';
const KEYS = 'signing_key = "signing-key.pem"\nledger_key = "ledger-key.pem"\n';
const GOOD = `${HEAD}${LISTEN}[files]\nkek = "kek.key"\ndatabase = "ostiary.db"\n${KEYS}`;

function problemsOf(environment: Environment, text = GOOD): Readonly<Record<string, unknown>> {
  try {
    parseConfig(text, environment);
    return {};
  } catch (thrown) {
    if (!isFault(thrown, "config/invalid")) throw thrown;
    return thrown.detail;
  }
}

/** What only the file may say: who an admin is, which mode this is, whom it trusts, further root keys and the broker that keeps one, whose is what, and who is told. */
const PEER = [
  "audience",
  "cluster",
  "deadline_seconds",
  "policy",
  "secret",
  "signing_key",
  "tls_ca",
  "tls_pin",
  "url",
  "version",
];
const FILE_ONLY = [
  "audit",
  "notify",
  "oidc",
  "watched",
  ...[...CREDENTIAL_KINDS, "guest", "policy"].map((kind) => `findings.owners.${kind}`),
  ...PEER.map((name) => `kek.peer.${name}`),
  "ledger.peer",
  "ledger.publish",
  "ledger.witness",
  "admin",
  "attestation.provider",
  "attestation.simulator_dir",
  "kbs.admin",
  "governance.accept.activation",
  "governance.accept.roster",
  "governance.advisory_signers",
  "governance.approvals",
  "governance.root",
  "kek.also",
  "mode",
  "owner",
  "providers.google_firmware_roots",
  "providers.host_vtpm_roots",
  "trust_simulator",
  "webauthn.origin",
  "webauthn.rp_id",
];

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** The places of all members that are no tables, by the schema's own structure. */
function leavesOf(schema: unknown, place: string): readonly string[] {
  const inner = member(schema, "wrapped") ?? member(member(schema, "pipe"), "0");
  if (inner !== undefined && inner !== schema) return leavesOf(inner, place);
  const entries = member(schema, "entries");
  if (typeof entries !== "object" || entries === null) return [place];
  return Object.entries(entries).flatMap(([name, entry]) =>
    leavesOf(entry, place === "" ? name : `${place}.${name}`),
  );
}

describe("the environment", () => {
  it("has a name for each member that it may set, and these are all", () => {
    expect([...Object.keys(SETTINGS), ...FILE_ONLY].sort()).toEqual([...leavesOf(CONFIG, "")].sort());
    const names = Object.keys(SETTINGS).map((setting) => setting.replaceAll(".", "_"));
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ["OSTIARY_AUDIENCE", "https://other.example", GOOD.replace("broker.example", "other.example")],
    ["OSTIARY_LISTEN_PORT", "9000", GOOD.replace("8443", "9000")],
    ["OSTIARY_TENANT", "1", `tenant = "1"\n${GOOD}`],
    ["OSTIARY_SUITES", '["hpke-xwing"]', `suites = ["hpke-xwing"]\n${GOOD}`],
    ["OSTIARY_KDS_ENABLED", "false", `${GOOD}[kds]\nenabled = false\n`],
    ["OSTIARY_KDS_TIMEOUT_SECONDS", "3", `${GOOD}[kds]\ntimeout_seconds = 3\n`],
    ["OSTIARY_LEDGER_READERS", "anyone", `${GOOD}[ledger]\nreaders = "anyone"\n`],
  ])("%s stands in the place of the member", (name, text, same) => {
    expect(parseConfig(GOOD, { [name]: text, HOME: "/" })).toEqual(parseConfig(same));
  });

  it("makes tables that the file lacks, and takes members away", () => {
    const file = `${HEAD}${LISTEN}[files]\n${KEYS}[store]\nurl = "postgres://o@db.example/o"\n[kek]\ncredential = "k"\n`;
    const environment = {
      OSTIARY_STORE_URL: "postgres://o@db.example/o",
      OSTIARY_FILES_DATABASE: "",
      OSTIARY_KEK_CREDENTIAL: "k",
      OSTIARY_FILES_KEK: "",
      OSTIARY_KDS_URL: "",
      OSTIARY_LISTEN_TLS_CERT_FILE: "",
    };
    expect(parseConfig(GOOD, environment)).toEqual(parseConfig(file));
    const tls = { OSTIARY_LISTEN_TLS_CERT_FILE: "a.crt", OSTIARY_LISTEN_TLS_KEY_FILE: "a.key" };
    expect(parseConfig(GOOD, tls).listen).toMatchObject({ tls: { certFile: "a.crt", keyFile: "a.key" } });
  });

  it("is held to the schema like the file, all problems at once, and never repeated", () => {
    const environment = {
      OSTIARY_LISTEN_PORT: "planted",
      OSTIARY_KDS_ENABLED: '"planted"',
      OSTIARY_SUITES: "[planted",
      OSTIARY_NONCE_LIFETIME_SECONDS: "5\nother = 1",
      OSTIARY_NONCE: "planted",
    };
    const problems = problemsOf(environment);
    expect(Object.keys(problems).sort()).toEqual(
      ["OSTIARY_NONCE", "kds.enabled", "listen.port", "nonce.lifetime_seconds", "suites"].sort(),
    );
    expect(JSON.stringify(problems)).not.toContain("planted");
  });

  it("leaves a member that should be a table for the schema to refuse", () => {
    const text = GOOD.replace(LISTEN, "").replace(HEAD, `${HEAD}listen = 3\n`);
    expect(Object.keys(problemsOf({ OSTIARY_LISTEN_PORT: "1" }, text))).toContain("listen");
  });

  it("is refused where it says what only the file may say, or is misspelt", () => {
    for (const place of [...FILE_ONLY, "listen.prot", "kek"]) {
      const name = `OSTIARY_${place.replaceAll(".", "_").toUpperCase()}`;
      expect(problemsOf({ [name]: "demo" }), name).toEqual({ [name]: "expected the name of a setting" });
    }
    expect(problemsOf({ OSTIARY_: "x", ostiary_mode: "demo" })).toHaveProperty("OSTIARY_");
  });

  it("may hold the root key in a variable that the configuration names, and in no other", () => {
    const named = { OSTIARY_KEK_ENVIRONMENT: "OSTIARY_ROOT", OSTIARY_FILES_KEK: "", OSTIARY_ROOT: "00" };
    expect(parseConfig(GOOD, named).kek.wraps).toEqual({ kind: "environment", name: "OSTIARY_ROOT" });
    const also = `${GOOD.replace('kek = "kek.key"\n', "")}[kek]\nfile = "a"\n[[kek.also]]\nenvironment = "OSTIARY_OLD"\n`;
    expect(problemsOf({ OSTIARY_OLD: "00" }, also)).toEqual({});
    expect(problemsOf({ OSTIARY_OLD: "00" })).toHaveProperty("OSTIARY_OLD");
    const token = 'pkcs11 = { module = "/m.so", token = "t", key = "k", pin_environment = "OSTIARY_PIN" }\n';
    const pinned = `${GOOD.replace('kek = "kek.key"\n', "")}[kek]\n${token}`;
    expect(problemsOf({ OSTIARY_PIN: "1234" }, pinned)).toEqual({});
    expect(problemsOf({ OSTIARY_PIN: "1234" })).toHaveProperty("OSTIARY_PIN");
  });
});
