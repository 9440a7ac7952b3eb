import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault, isFault } from "../../src/base/fault.ts";
import { type Config, parseConfig } from "../../src/runtime/config.ts";

const SPKI = "MCowBQYDK2VwAyEAgAvsW2AkPYElHD3U8fLGCq2c3qTBHLVMsQ4dFQfGRaE";

/** Of a security key, and what it is bound to. */
const P256 =
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li_hp_m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q";
const BOUND = `webauthn = { credential = "AAAAAAAAAAAAAAAAAAAAAA", rp_id = "broker.example", origin = "https://broker.example" }`;

const GOOD = `
mode = "production"
audience = "https://broker.example/c/0001"

[listen]
host = "127.0.0.1"
port = 8443

[files]
kek = "kek.key"
signing_key = "signing-key.pem"
ledger_key = "ledger-key.pem"
database = "ostiary.db"

[[admin]]
kid = "admin-1"
spki = "${SPKI}"
`;

function problemsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    parseConfig(text);
    return {};
  } catch (thrown) {
    if (!isFault(thrown, "config/invalid")) throw thrown;
    return thrown.detail;
  }
}

/** A good configuration with one line replaced. */
function replaced(line: string, by: string): string {
  if (!GOOD.includes(line)) throw new Error("the line to replace is there");
  return GOOD.replace(line, by);
}

/** A good configuration whose admin has a security key that is bound to this. */
function bound(webauthn: string): string {
  return replaced(`spki = "${SPKI}"`, `spki = "${P256}"\n${webauthn}`);
}

/** A good configuration whose database is a server's. */
function storedAt(lines: string): string {
  return `${replaced('database = "ostiary.db"', "")}\n[store]\n${lines}\n`;
}

describe("a configuration", () => {
  it("is read with its defaults", () => {
    const expected: Config = {
      mode: "production",
      audience: "https://broker.example/c/0001",
      tenant: "",
      region: "",
      environment: "",
      logLevel: "info",
      listen: { host: "127.0.0.1", port: 8443, processes: 1, bindings: [3] },
      files: {
        signingKey: "signing-key.pem",
        ledgerKey: "ledger-key.pem",
        database: "ostiary.db",
      },
      kek: { wraps: { kind: "file", path: "kek.key" }, also: [] },
      identityProviders: [],
      admins: [
        {
          kid: "admin-1",
          person: "admin-1",
          roles: ["author", "approver", "operator", "auditor"],
          under: [],
          owns: ["root"],
          spki: expect.any(Uint8Array),
        },
      ],
      governance: { approvals: 1, advisorySigners: 1, groups: [], accepts: {} },
      kds: { isEnabled: true, url: "https://kdsintf.amd.com", timeoutSeconds: 10 },
      nonceLifetimeSeconds: 60,
      rates: { perSource: 10, perBroker: 1000 },
      ledgerReaders: "admins",
      suites: [1, 2],
      maxTokenSeconds: 300,
      maxEvidenceSeconds: 3600,
      providers: {},
      witnesses: [],
      publications: [],
      peers: [],
      audits: [],
      notifies: [],
      healthDetails: "admins",
      attestation: { provider: "auto", cluster: "", freshPerSecond: 1 },
      findings: { scanSeconds: 900, advisorySeconds: 7_776_000, owner: "", owners: {} },
      saltsChips: false,
      watched: [],
    };
    expect(parseConfig(GOOD)).toEqual(expected);
  });

  it("offers the JWE where it is asked for, and nothing that is left out", () => {
    const suitesOf = (list: string) => parseConfig(`suites = ${list}\n${GOOD}`).suites;
    expect(suitesOf('["hpke-xwing"]')).toEqual([2]);
    expect(suitesOf('["jwe-p256", "hpke-x25519"]')).toEqual([1, 3]);
    for (const bad of ["[]", '["hpke-x25519", "hpke-x25519"]', '["none"]']) {
      expect(problemsOf(`suites = ${bad}\n${GOOD}`)).not.toEqual({});
    }
  });

  it("serves the set of bindings that it names, and those of TLS only with TLS", () => {
    const tls = '\n[listen.tls]\ncert_file = "a.pem"\nkey_file = "b.pem"\n';
    const named = (list: string) => replaced("port = 8443", `port = 8443\nbindings = ${list}`);
    const bindingsOf = (text: string) => parseConfig(text).listen.bindings;
    expect(bindingsOf(`${GOOD}${tls}`)).toEqual([2, 3]);
    expect(bindingsOf(`${named('["application", "ra-tls"]')}${tls}`)).toEqual([1, 3]);
    expect(bindingsOf(`${named('["tls-exporter"]')}${tls}`)).toEqual([2]);
    expect(bindingsOf(named('["application"]'))).toEqual([3]);
    for (const bad of ['["ra-tls"]', '["application", "tls-exporter"]']) {
      expect(Object.keys(problemsOf(named(bad)))).toEqual(["listen.bindings"]);
    }
    for (const bad of ["[]", '["ra-tls", "ra-tls"]', '["kbs"]']) {
      expect(problemsOf(`${named(bad)}${tls}`)).not.toEqual({});
    }
  });

  it("speaks the KBS protocol where that is said, 0.4.0 always, and lets no admins in unless it says so", () => {
    const kbsOf = (lines: string) => parseConfig(`${GOOD}[kbs]\n${lines}`).kbs;
    expect(parseConfig(GOOD).kbs).toBeUndefined();
    expect(kbsOf("")).toEqual({ versions: ["0.4.0"], takesAdmins: false });
    expect(kbsOf('versions = ["0.2.0", "0.4.0"]\nadmin = true')).toEqual({
      versions: ["0.4.0", "0.2.0"],
      takesAdmins: true,
    });
    for (const bad of ["[]", '["0.2.0"]', '["0.4.0", "0.4.0"]', '["0.4.0", "0.1.1"]']) {
      expect(Object.keys(problemsOf(`${GOOD}[kbs]\nversions = ${bad}`))[0]).toMatch(/^kbs[.]versions/);
    }
    const never = `${GOOD}[tokens]\nmax_evidence_age_seconds = 0\n`;
    expect(parseConfig(never).maxEvidenceSeconds).toBe(0);
    expect(Object.keys(problemsOf(`${never}[kbs]\n`))).toEqual(["kbs"]);
  });

  it("is frozen to its leaves", () => {
    const config = parseConfig(GOOD);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.listen)).toBe(true);
    expect(Object.isFrozen(config.admins[0])).toBe(true);
  });

  it("takes every member that there is", () => {
    const text = `trust_simulator = "root.pem"\n${replaced('mode = "production"', 'mode = "demo"')}
file = "x"
[kds]
enabled = false
mirror = "http://kds.internal:8080"
timeout_seconds = 3
[nonce]
lifetime_seconds = 120
[rates]
challenges_per_source = 5
challenges_per_broker = 50
[ledger]
readers = "anyone"
[listen.tls]
cert_file = "a.pem"
key_file = "b.pem"
`.replace(`spki = "${SPKI}"\n`, "");
    const config = parseConfig(text);
    expect(config.trustSimulatorFile).toBe("root.pem");
    expect(config.admins).toMatchObject([{ kid: "admin-1", file: "x" }]);
    expect(config.kds).toMatchObject({
      isEnabled: false,
      mirror: "http://kds.internal:8080",
      timeoutSeconds: 3,
    });
    expect(config.listen.tls).toEqual({ certFile: "a.pem", keyFile: "b.pem" });
    expect(config).toMatchObject({ nonceLifetimeSeconds: 120, ledgerReaders: "anyone" });
  });

  it("takes providers that admins sign in by, and what is wanted of their tokens", () => {
    const config = parseConfig(`${GOOD}
[[oidc]]
issuer = "https://login.example/tenant/"
client_id = "ostiary-cli"
`);
    expect(config.identityProviders).toEqual([
      {
        issuer: "https://login.example/tenant/",
        clientId: "ostiary-cli",
        audiences: [],
        algorithms: ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
        acr: [],
        amr: [],
        sessionSeconds: 1800,
      },
    ]);
    const wanted = parseConfig(`${GOOD}
[[oidc]]
issuer = "http://127.0.0.1:8080"
client_id = "c"
audiences = ["api"]
algorithms = ["ES256"]
jwks_uri = "https://keys.example/set?p=1"
max_age = "15m"
acr = ["phr"]
amr = ["hwk", "pin"]
session = "8h"
`);
    expect(wanted.identityProviders).toMatchObject([
      {
        jwksUri: "https://keys.example/set?p=1",
        maxAgeSeconds: 900,
        amr: ["hwk", "pin"],
        sessionSeconds: 28_800,
      },
    ]);
  });

  const provider = (issuer: string, more = "") =>
    `${GOOD}\n[[oidc]]\nissuer = "${issuer}"\nclient_id = "c"\n${more}\n`;

  it.each([
    ["without TLS", provider("http://login.example")],
    ["on another name of this machine", provider("http://localhost:8080")],
    ["with a query", provider("https://login.example/?p=1")],
    ["with a name and password", provider("https://a:b@login.example")],
    ["that is this broker", provider("https://broker.example/c/0001")],
    ["that is this broker with a slash", provider("https://broker.example/c/0001/")],
    [
      "whose keys are this broker's",
      provider("https://a.example", 'jwks_uri = "https://broker.example/c/0001/.well-known/jwks.json"'),
    ],
    ["twice", `${provider("https://a.example")}[[oidc]]\nissuer = "https://a.example"\nclient_id = "d"\n`],
    ["by a secret in the place of a key", provider("https://a.example", 'algorithms = ["HS256"]')],
    ["by no signature", provider("https://a.example", 'algorithms = ["none"]')],
    ["by no algorithm", provider("https://a.example", "algorithms = []")],
    ["for sessions of a day", provider("https://a.example", 'session = "24h"')],
    ["with a member that nobody knows", provider("https://a.example", 'client_secret = "x"')],
  ])("takes no provider %s", (_name, text) => {
    expect(Object.keys(problemsOf(text)).join()).toContain("oidc");
  });

  it("takes no provider by the address under which this broker is reached from outside", () => {
    const outside = replaced("port = 8443", 'port = 8443\nexternal_url = "https://outside.example"');
    const named = `${outside}\n[[oidc]]\nissuer = "https://outside.example"\nclient_id = "c"\n`;
    expect(Object.keys(problemsOf(named))).toEqual(["oidc"]);
  });

  it("takes people with roles, paths and groups, and how many of them it takes", () => {
    const config = parseConfig(`${GOOD}person = "ada"
roles = ["author"]
under = ["prod/db"]
owns = ["root", "database"]
[governance]
approvals = 2
root = 1
advisory_signers = 2
[governance.accept]
roster = "${"a".repeat(64)}"
[[owner]]
name = "database"
paths = ["prod/db"]
modules = ["acme.db"]
refsets = ["acme.db/images"]
approvals = 2
`);
    expect(parseConfig(bound(BOUND)).admins).toMatchObject([
      {
        kid: "admin-1",
        webauthn: { id: new Uint8Array(16), rpId: "broker.example", origin: "https://broker.example" },
      },
    ]);
    const page = '[webauthn]\norigin = "https://keys.broker.example"\n';
    expect(parseConfig(`${GOOD}${page}`).webauthn).toEqual({
      origin: "https://keys.broker.example",
      rpId: "keys.broker.example",
    });
    expect(parseConfig(`${GOOD}${page}rp_id = "broker.example"\n`).webauthn?.rpId).toBe("broker.example");
    expect(config.admins).toMatchObject([
      { kid: "admin-1", person: "ada", roles: ["author"], under: ["prod/db"], owns: ["root", "database"] },
    ]);
    expect(config.governance).toEqual({
      approvals: 2,
      root: 1,
      advisorySigners: 2,
      groups: [
        {
          name: "database",
          paths: ["prod/db"],
          modules: ["acme.db"],
          refsets: ["acme.db/images"],
          approvals: 2,
        },
      ],
      accepts: { roster: "a".repeat(64) },
    });
  });

  it("takes a PostgreSQL server: encrypted unless it is on this machine", () => {
    const storeOf = (lines: string) => parseConfig(storedAt(lines)).store;
    const far = { host: "db.example", port: 6432, database: "broker", role: "ostiary", isEncrypted: true };
    expect(storeOf('url = "postgres://ostiary@db.example:6432/broker"\nca_file = "ca.pem"')).toEqual({
      ...far,
      caFile: "ca.pem",
    });
    const near = { port: 5432, database: "broker", role: "ostiary", isEncrypted: false };
    const socket = 'url = "postgres://ostiary@localhost/broker?host=/run/postgresql"';
    expect(storeOf(socket)).toEqual({ ...near, host: "/run/postgresql" });
    expect(storeOf('url = "postgres://ostiary@[::1]/broker"\ntls = "off"\npassword_file = "p"')).toEqual({
      ...near,
      host: "::1",
      passwordFile: "p",
    });
    expect(storeOf('url = "postgres://ostiary@127.0.0.1/broker"')).toMatchObject({ isEncrypted: true });
  });

  it("takes the root key from a credential of systemd or a variable, in place of the file", () => {
    const without = replaced('kek = "kek.key"\n', "");
    const kekOf = (lines: string) => parseConfig(`${without}\n[kek]\n${lines}\n`).kek;
    expect(kekOf('credential = "ostiary-kek"')).toEqual({
      wraps: { kind: "credential", name: "ostiary-kek" },
      also: [],
    });
    expect(kekOf('environment = "OSTIARY_KEK"')).toMatchObject({
      wraps: { kind: "environment", name: "OSTIARY_KEK" },
    });
    expect(kekOf('file = "new.key"\n[[kek.also]]\nfile = "old.key"\n[[kek.also]]\ncredential = "c"')).toEqual(
      {
        wraps: { kind: "file", path: "new.key" },
        also: [
          { kind: "file", path: "old.key" },
          { kind: "credential", name: "c" },
        ],
      },
    );
    for (const lines of [
      "",
      'credential = "a"\nenvironment = "A"',
      'credential = "../a"',
      'credential = ".a"',
      'file = ""',
      'file = "a"\ncredential = "a"',
      'file = "a"\nother = "a"',
      'file = "a"\n[[kek.also]]',
      'file = "a"\n[[kek.also]]\nfile = "b"\ncredential = "b"',
      'file = "a"\n[[kek.also]]\nother = "b"',
      '[[kek.also]]\nfile = "b"',
      `file = "a"\n${'[[kek.also]]\nfile = "b"\n'.repeat(5)}`,
    ]) {
      expect(Object.keys(problemsOf(`${without}\n[kek]\n${lines}\n`))[0]).toMatch(/^kek/);
    }
    for (const name of ["a b", "A=B", "a", ""]) {
      expect(problemsOf(`${without}\n[kek]\nenvironment = "${name}"\n`)).toHaveProperty("kek.environment");
    }
    expect(problemsOf(`${GOOD}\n[kek]\ncredential = "a"\n`)).toHaveProperty("files");
    expect(problemsOf(without)).toHaveProperty("files");
    expect(problemsOf(`${GOOD}\n[kek]\nfile = "a"\n`)).toHaveProperty("files");
  });

  it("takes the root key from a token or a TPM, with one place for the PIN and none in itself", () => {
    const without = replaced('kek = "kek.key"\n', "");
    const token = 'module = "/usr/lib/m.so", token = "broker", key = "root 1"';
    const kekOf = (lines: string) => parseConfig(`${without}\n[kek]\n${lines}\n`).kek.wraps;
    const of = { kind: "pkcs11", module: "/usr/lib/m.so", token: "broker", key: "root 1" };
    for (const [pin, place] of [
      ['pin_file = "pin"', { kind: "file", path: "pin" }],
      ['pin_credential = "pin"', { kind: "credential", name: "pin" }],
      ['pin_environment = "OSTIARY_PIN"', { kind: "environment", name: "OSTIARY_PIN" }],
    ] as const) {
      expect(kekOf(`pkcs11 = { ${token}, ${pin} }`)).toEqual({ ...of, pin: place });
    }
    const tpm = { device: "/dev/tpmrm0", sealed: "kek.tpm" };
    expect(kekOf('tpm = { device = "/dev/tpmrm0", sealed = "kek.tpm" }')).toEqual({ kind: "tpm", ...tpm });
    for (const lines of [
      `pkcs11 = { ${token} }`,
      `pkcs11 = { ${token}, pin = "1234" }`,
      `pkcs11 = { ${token}, pin_file = "a", pin_credential = "b" }`,
      `pkcs11 = { ${token.replace("/usr", "usr")}, pin_file = "a" }`,
      `pkcs11 = { ${token.replace('"broker"', '"thirty-three characters of a label"')}, pin_file = "a" }`,
      `pkcs11 = { ${token.replace('"root 1"', '"root 1 "')}, pin_file = "a" }`,
      'tpm = { device = "tcp:tpm.example:2321", sealed = "a" }',
      'tpm = { device = "/dev/tpmrm0" }',
      `file = "a"\npkcs11 = { ${token}, pin_file = "a" }`,
    ]) {
      expect(Object.keys(problemsOf(`${without}\n[kek]\n${lines}\n`))[0]).toMatch(/^kek/);
    }
  });

  it("takes a TPM's counter beside the head file, at an index of the owner's", () => {
    const counterOf = (line: string) =>
      parseConfig(`${GOOD}\n[ledger]\ntpm_counter = { ${line} }\n`).tpmCounter;
    const plain = { device: "/dev/tpmrm0", index: 0x0180_0571, everyMinutes: 60 };
    expect(counterOf('device = "/dev/tpmrm0"')).toEqual(plain);
    expect(counterOf('device = "/dev/tpmrm0", index = "0x01bfffff", every_minutes = 5')).toEqual({
      ...plain,
      index: 0x01bf_ffff,
      everyMinutes: 5,
    });
    for (const line of ["", 'index = "0x01c00000"', 'index = "0x017fffff"', "every_minutes = 0"]) {
      const text = `${GOOD}\n[ledger]\ntpm_counter = { device = "${line === "" ? "tpm" : "/dev/tpm0"}"${line && `, ${line}`} }\n`;
      expect(Object.keys(problemsOf(text))[0]).toMatch(/^ledger[.]tpm_counter/);
    }
  });

  it("takes the root key from another broker, which is known by its key, a policy or both", () => {
    const without = replaced('kek = "kek.key"\n', "");
    const whole = {
      url: '"https://keeper.example"',
      audience: '"https://keeper.example/c/1"',
      secret: '"root/kek"',
      version: "2",
      signing_key: '"k.pem"',
      policy: '"p.writ"',
      cluster: '"c"',
      tls_ca: '"ca.pem"',
      tls_pin: '"pin.pem"',
      deadline_seconds: "5",
    };
    const with_ = (changes: Readonly<Record<string, string | undefined>>): string => {
      const members = Object.entries({ ...whole, ...changes }).filter(([, value]) => value !== undefined);
      return `${without}\n[kek.peer]\n${members.map(([name, value]) => `${name} = ${value}\n`).join("")}`;
    };
    expect(parseConfig(with_({})).kek.wraps).toEqual({
      kind: "peer",
      url: "https://keeper.example",
      audience: "https://keeper.example/c/1",
      secret: "root/kek",
      version: 2,
      signingKeyFile: "k.pem",
      policyFile: "p.writ",
      cluster: "c",
      tlsAuthoritiesFile: "ca.pem",
      tlsPinFile: "pin.pem",
      deadlineSeconds: 5,
    });
    const least = {
      audience: undefined,
      version: undefined,
      cluster: undefined,
      deadline_seconds: undefined,
    };
    expect(parseConfig(with_({ ...least, policy: undefined })).kek.wraps).toMatchObject({
      audience: "https://keeper.example",
      version: 1,
      policyFile: undefined,
      deadlineSeconds: 60,
    });
    for (const changes of [
      { signing_key: undefined, policy: undefined },
      { url: '"https://keeper.example/"' },
      { url: '"ftp://keeper.example"' },
      { url: undefined },
      { secret: '"../kek"' },
      { secret: undefined },
      { version: "0" },
      { version: "1.5" },
      { deadline_seconds: "3601" },
      { other: "1" },
    ]) {
      expect(Object.keys(problemsOf(with_(changes)))[0], JSON.stringify(changes)).toMatch(/^kek\.peer/);
    }
  });

  it("says where heads are put, whose are listened to, and what is kept for how long", () => {
    const key = "other.example+00000000+AAAA";
    const text = `${GOOD}
[ledger]
keep_traces_days = 30
salt_file = "salt"
salt_chip_ids = true
receipt_witnesses = 1
receipt_wait_seconds = 7
[[ledger.witness]]
url = "https://witness.example"
key = "${key}"
[[ledger.publish]]
file = "head"
[[ledger.publish]]
url = "https://heads.example/ours"
token_file = "token"
[[ledger.peer]]
url = "https://other.example/v1/ledger"
key = "${key}"
`;
    expect(parseConfig(text)).toMatchObject({
      traceDays: 30,
      saltFile: "salt",
      saltsChips: true,
      receiptWait: { witnesses: 1, seconds: 7 },
      publications: [{ file: "head" }, { url: "https://heads.example/ours", tokenFile: "token" }],
      peers: [{ url: "https://other.example/v1/ledger", key }],
    });
  });

  it.each([
    ["neither file nor address", "publish", "[[ledger.publish]]\n"],
    ["both", "publish", '[[ledger.publish]]\nfile = "a"\nurl = "https://a.example"\n'],
    ["a token for a file", "publish", '[[ledger.publish]]\nfile = "a"\ntoken_file = "t"\n'],
    ["a place twice", "publish", '[[ledger.publish]]\nfile = "a"\n[[ledger.publish]]\nfile = "a"\n'],
    [
      "nine places",
      "publish",
      Array.from({ length: 9 }, (_, i) => `[[ledger.publish]]\nfile = "${i}"\n`).join(""),
    ],
    ["a peer without a key", "peer", '[[ledger.peer]]\nurl = "https://a.example"\n'],
    ["a peer twice", "peer", '[[ledger.peer]]\nurl = "https://a.example"\nkey = "a"\n'.repeat(2)],
    ["hidden chips without a salt", "", "[ledger]\nsalt_chip_ids = true\n"],
    ["receipts that wait for nobody who is there", "", "[ledger]\nreceipt_witnesses = 1\n"],
    ["receipts that wait for too long", "receipt_wait", "[ledger]\nreceipt_wait_seconds = 21\n"],
    ["traces for no day", "keep_traces_days", "[ledger]\nkeep_traces_days = 0\n"],
  ])("refuses of its log %s", (_, member, lines) => {
    expect(Object.keys(problemsOf(`${GOOD}\n${lines}`))[0]).toMatch(
      new RegExp(`^ledger${member === "" ? "$" : `\\.${member}`}`),
    );
  });

  it("names every problem at once", () => {
    const text = replaced('mode = "production"', 'mode = "prod"\nrole = 1\nshape = 2')
      .replace("port = 8443", "port = 70000")
      .replace('kek = "kek.key"\n', "")
      .replace(SPKI, "AAAA");
    expect(Object.keys(problemsOf(text)).sort()).toEqual(
      ["admin.0.spki", "files", "listen.port", "mode", "role", "shape"].sort(),
    );
  });

  const audience = 'audience = "https://broker.example/c/0001"';
  const deviations: readonly (readonly [name: string, place: string, text: string])[] = [
    ["upper-case host", "audience", replaced(audience, 'audience = "https://Broker.example"')],
    ["upper-case scheme", "audience", replaced(audience, 'audience = "HTTPS://broker.example"')],
    ["default port", "audience", replaced(audience, 'audience = "https://broker.example:443"')],
    ["trailing slash", "audience", replaced(audience, 'audience = "https://broker.example/"')],
    ["trailing slash of a path", "audience", replaced(audience, 'audience = "https://broker.example/c/"')],
    ["query", "audience", replaced(audience, 'audience = "https://broker.example/?a"')],
    ["user in the URL", "audience", replaced(audience, 'audience = "https://u@broker.example"')],
    ["other scheme", "audience", replaced(audience, 'audience = "ftp://broker.example"')],
    [
      "audience beyond 512 bytes",
      "audience",
      replaced(audience, `audience = "https://b.example/${"a".repeat(512)}"`),
    ],
    ["simulator in production", "trust_simulator", `trust_simulator = "root.pem"\n${GOOD}`],
    ["provider that is unknown", "providers.azure_roots", `${GOOD}\n[providers]\nazure_roots = "x"\n`],
    [
      "mirror of Google's with a query",
      "providers.google_firmware_url",
      `${GOOD}\n[providers]\ngoogle_firmware_url = "http://mirror/x?y"\n`,
    ],
    ["provider without a path", "providers.host_vtpm_roots", `${GOOD}\n[providers]\nhost_vtpm_roots = 1\n`],
    ["one file for two keys", "files", replaced("ledger-key.pem", "signing-key.pem")],
    ["admin without a key", "admin.0", replaced(`spki = "${SPKI}"`, "")],
    ["admin with two keys", "admin.0", replaced(`spki = "${SPKI}"`, `spki = "${SPKI}"\nfile = "x"`)],
    ["admin named twice", "admin", `${GOOD}\n[[admin]]\nkid = "admin-1"\nfile = "x"\n`],
    ["key given to two admins", "admin", `${GOOD}\n[[admin]]\nkid = "admin-2"\nspki = "${SPKI}"\n`],
    ["key that is cut off", "admin.0.spki", replaced(SPKI, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")],
    ["P-256 key of no security key", "admin.0", replaced(SPKI, P256)],
    ["security key in a file", "admin.0", replaced(`spki = "${SPKI}"`, `file = "x"\n${BOUND}`)],
    ["security key of another domain", "admin.0.webauthn", bound(BOUND.replace('"broker', '"other'))],
    ["credential that is no base64url", "admin.0.webauthn.credential", bound(BOUND.replace("AAAA", "****"))],
    ["page without TLS", "webauthn", `${GOOD}[webauthn]\norigin = "http://broker.example"\n`],
    ["page with a path", "webauthn", `${GOOD}[webauthn]\norigin = "https://broker.example/admin"\n`],
    [
      "page of another domain",
      "webauthn",
      `${GOOD}[webauthn]\norigin = "https://b.example"\nrp_id = "c.example"\n`,
    ],
    ["role that there is not", "admin.0.roles.0", `${GOOD}roles = ["god"]\n`],
    ["role twice", "admin.0.roles", `${GOOD}roles = ["author", "author"]\n`],
    ["path that is a pattern", "admin.0.under.0", `${GOOD}under = ["prod/**"]\n`],
    ["path that climbs", "admin.0.under.0", `${GOOD}under = ["prod/.."]\n`],
    ["person with a space", "admin.0.person", `${GOOD}person = "a b"\n`],
    ["approvals below none", "governance.approvals", `${GOOD}[governance]\napprovals = -1\n`],
    ["a root of nobody", "governance.root", `${GOOD}[governance]\nroot = 0\n`],
    ["a history by no digest", "governance.accept.roster", `${GOOD}[governance.accept]\nroster = "x"\n`],
    ["a group called root", "owner.0.name", `${GOOD}[[owner]]\nname = "root"\napprovals = 1\n`],
    [
      "a group that nobody approves for",
      "owner.0.approvals",
      `${GOOD}[[owner]]\nname = "a"\napprovals = 0\n`,
    ],
    [
      "a group twice",
      "owner",
      `${GOOD}[[owner]]\nname = "a"\napprovals = 1\n[[owner]]\nname = "a"\napprovals = 1\n`,
    ],
    ["nonce that lives too long", "nonce.lifetime_seconds", `${GOOD}\n[nonce]\nlifetime_seconds = 121\n`],
    [
      "token that lives too long",
      "tokens.max_lifetime_seconds",
      `${GOOD}\n[tokens]\nmax_lifetime_seconds = 301\n`,
    ],
    [
      "evidence that serves for more than a day",
      "tokens.max_evidence_age_seconds",
      `${GOOD}\n[tokens]\nmax_evidence_age_seconds = 86401\n`,
    ],
    ["rate of zero", "rates.challenges_per_source", `${GOOD}\n[rates]\nchallenges_per_source = 0\n`],
    ["port as text", "listen.port", replaced("port = 8443", 'port = "8443"')],
    ["fractional port", "listen.port", replaced("port = 8443", "port = 1.5")],
    ["half of TLS", "listen.tls.key_file", `${GOOD}\n[listen.tls]\ncert_file = "a.pem"\n`],
    ["misspelt member", "kds.enable", `${GOOD}\n[kds]\nenable = false\n`],
    ["no database at all", "files", replaced('database = "ostiary.db"', "")],
    ["a file and a server", "files", `${GOOD}\n[store]\nurl = "postgres://o@db.example/o"\n`],
    ...[
      "postgres://o:planted@db.example/o",
      "mysql://o@db.example/o",
      "postgres://db.example/o",
      "postgres://o@db.example/",
      "postgres://o@db.example/o?sslmode=disable",
      "postgres://o@db.example/o?host=/run/postgresql",
      "postgres://o@db.example:70000/o",
    ].map((url) => [`store at ${url}`, "store.url", storedAt(`url = "${url}"`)] as const),
    [
      "store on another machine without TLS",
      "store.tls",
      storedAt('url = "postgres://o@db.example/o"\ntls = "off"'),
    ],
    ["no TOML", "file", "mode = "],
    ["the same member twice", "file", `${GOOD}\n[listen]\nport = 1\n`],
    ["more than 1 MiB", "file", `${GOOD}#${"x".repeat(1 << 20)}`],
  ];
  it.each(deviations)("is refused: %s", (_name, place, text) => {
    expect(Object.keys(problemsOf(text))).toEqual([place]);
  });

  it("never repeats what stands in the wrong place", () => {
    const planted = "-----BEGIN PRIVATE KEY-----planted";
    for (const text of [
      replaced('"kek.key"', `"${planted}\\n"`),
      replaced(SPKI, planted),
      `${planted}\n${GOOD}`,
    ]) {
      const problems = problemsOf(text);
      expect(Object.keys(problems)).not.toEqual([]);
      expect(JSON.stringify(problems)).not.toContain("planted");
    }
  });

  it("is a record or that one fault, for any text", () => {
    const snippets = GOOD.split("\n");
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.shuffledSubarray(snippets).map((lines) => lines.join("\n")),
      fc
        .tuple(fc.nat(GOOD.length), fc.string({ maxLength: 4 }))
        .map(([at, text]) => GOOD.slice(0, at) + text + GOOD.slice(at + text.length)),
      fc.constantFrom(
        "a = [".repeat(50_000),
        `a = ${"[".repeat(50_000)}`,
        "__proto__ = 1",
        "[__proto__]\na = 1",
      ),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(parseConfig(text).mode).toBeDefined();
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Fault);
          expect(isFault(thrown, "config/invalid")).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
