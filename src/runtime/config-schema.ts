/** Which configuration is one? The schema of its TOML: every member, what it may be, and what it is unless said. */
import * as v from "valibot";
import { ALL_BINDING_NAMES } from "../channel/binding-names.ts";
import { OFFERED_SUITES } from "../channel/suites.ts";
import { WRAP_OF_SUITE } from "../policy/wraps.ts";
import { absent, isEachOnce, label, path, table, url, whole } from "./config-fields.ts";
import { FINDINGS, WATCHED, WORKER_FINDINGS } from "./findings-config.ts";
import { ADMINS, GOVERNANCE, OWNERS, WEBAUTHN, WORKER_ADMINS } from "./governance-config.ts";
import { KBS } from "./kbs-config.ts";
import { KEK } from "./kek-config.ts";
import { LEDGER, WORKER_LEDGER } from "./ledger-config.ts";
import { areOthers, OIDC } from "./oidc-config.ts";
import { PROVIDERS, WORKER_PROVIDERS } from "./provider-config.ts";
import { AUDIT, NOTIFY, TRACES } from "./sink-config.ts";
import { STORE } from "./store-config.ts";

/** A key has one use: the signing key signs releases, the ledger key checkpoints; the keys of tokens are in the database. */
const files = v.pipe(
  table({ kek: v.optional(path), signing_key: path, ledger_key: path, database: v.optional(path) }),
  v.check((read) => isEachOnce(Object.values(read).map(String)), "different files"),
);

/** By the names that a policy has for them. The JWE is there for guests that have nothing else: it is asked for. */
const wraps = v.pipe(
  v.array(v.picklist(OFFERED_SUITES.map((suite) => WRAP_OF_SUITE[suite]))),
  v.check((list) => list.length > 0 && isEachOnce(list), "at least one way to seal, each once"),
);

/** By the names that a policy has for them. */
const channels = v.pipe(
  v.array(v.picklist(ALL_BINDING_NAMES)),
  v.check((list) => list.length > 0 && isEachOnce(list), "at least one binding, each once"),
);

/** What every broker is told, wherever it runs. */
const BROKER = {
  mode: v.picklist(["production", "demo"]),
  audience: url,
  tenant: v.optional(label, ""),
  region: v.optional(label, ""),
  environment: v.optional(label, ""),
  log_level: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
  suites: v.optional(wraps, [WRAP_OF_SUITE[1], WRAP_OF_SUITE[2]]),
  kds: v.optional(
    table({
      enabled: v.optional(v.boolean(), true),
      url: v.optional(url, "https://kdsintf.amd.com"),
      mirror: v.optional(url),
      timeout_seconds: v.optional(whole(1, 60), 10),
    }),
    {},
  ),
  nonce: v.optional(table({ lifetime_seconds: v.optional(whole(5, 120), 60) }), {}),
  rates: v.optional(
    table({
      challenges_per_source: v.optional(whole(1, 100_000), 10),
      challenges_per_broker: v.optional(whole(1, 1_000_000), 1000),
    }),
    {},
  ),
  governance: v.optional(GOVERNANCE, {}),
  owner: v.optional(OWNERS, []),
  webauthn: v.optional(WEBAUTHN),
  tokens: v.optional(
    table({
      max_lifetime_seconds: v.optional(whole(1, 300), 300),
      max_evidence_age_seconds: v.optional(whole(0, 86_400), 3600),
    }),
    {},
  ),
  findings: v.optional(FINDINGS, {}),
  kbs: v.optional(KBS),
};

/** A KBS gives what it gives on evidence that it was shown in the request before. */
const KBS_WITHOUT_HELD_EVIDENCE =
  "none where `max_evidence_age_seconds` is 0: no evidence would outlive its request";

function keepsEvidence({
  tokens,
  kbs,
}: {
  readonly tokens: { readonly max_evidence_age_seconds: number };
  readonly kbs?: unknown;
}): boolean {
  return kbs === undefined || tokens.max_evidence_age_seconds > 0;
}

const MEMBERS = table({
  ...BROKER,
  ledger: v.optional(LEDGER, {}),
  trust_simulator: v.optional(path),
  watched: v.optional(WATCHED, []),
  providers: v.optional(PROVIDERS, {}),
  listen: table({
    host: v.pipe(v.string(), v.regex(/^[A-Za-z0-9.:-]{1,253}$/, "a host name or an IP address")),
    port: whole(0, 65_535),
    processes: v.optional(whole(1, 64), 1),
    external_url: v.optional(url),
    tls: v.optional(table({ cert_file: path, key_file: path })),
    bindings: v.optional(channels),
  }),
  files,
  store: v.optional(STORE),
  kek: v.optional(KEK),
  admin: v.optional(ADMINS, []),
  oidc: v.optional(OIDC, []),
  audit: v.optional(AUDIT, []),
  notify: v.optional(NOTIFY, []),
  traces: v.optional(TRACES),
  health: v.optional(table({ details: v.optional(v.picklist(["admins", "loopback"]), "admins") }), {}),
  attestation: v.optional(
    table({
      provider: v.optional(v.picklist(["auto", "none", "configfs-tsm", "simulator"]), "auto"),
      cluster: v.optional(label, ""),
      vmpl: v.optional(v.picklist([0, 1, 2, 3])),
      tsm_dir: v.optional(path),
      run_dir: v.optional(path),
      simulator_dir: v.optional(path),
      fresh_per_second: v.optional(whole(1, 1000), 1),
    }),
    {},
  ),
});

/** No simulator outside `mode = "demo"` (PRODUCT section 4, promise 5). */
export const CONFIG = v.pipe(
  MEMBERS,
  v.forward(
    v.partialCheck(
      [["files"], ["kek"]],
      ({ files, kek }) => (files.kek === undefined) !== (kek === undefined),
      "`kek` here or a `[kek]`, and not both",
    ),
    ["files"],
  ),
  v.forward(
    v.partialCheck(
      [["files"], ["store"]],
      ({ files: { database }, store }) => (database === undefined) !== (store === undefined),
      "`database` here or `url` in `[store]`, and not both",
    ),
    ["files"],
  ),
  v.forward(v.partialCheck([["tokens"], ["kbs"]], keepsEvidence, KBS_WITHOUT_HELD_EVIDENCE), ["kbs"]),
  v.forward(
    v.partialCheck(
      [["mode"], ["trust_simulator"]],
      (read) => read.mode === "demo" || read.trust_simulator === undefined,
      'no simulator unless mode = "demo"',
    ),
    ["trust_simulator"],
  ),
  v.forward(
    v.partialCheck(
      [["oidc"], ["audience"], ["listen"]],
      ({ oidc, audience, listen }) => areOthers(oidc, [audience, listen.external_url]),
      "providers other than this broker: what it gives to guests makes nobody an admin",
    ),
    ["oidc"],
  ),
  v.forward(
    v.partialCheck(
      [["listen"]],
      ({ listen }) =>
        listen.tls !== undefined || (listen.bindings ?? []).every((name) => name === "application"),
      "`ra-tls` and `tls-exporter` with [listen.tls] only",
    ),
    ["listen", "bindings"],
  ),
  v.forward(
    v.partialCheck(
      [["listen"], ["kek"]],
      ({ listen, kek }) => listen.processes === 1 || kek?.shares === undefined,
      "1 where the root key comes in shares: people give them to one process, and again whenever it is begun anew",
    ),
    ["listen", "processes"],
  ),
  v.forward(
    v.partialCheck(
      [["mode"], ["attestation"]],
      (read) => read.mode === "demo" || read.attestation.provider !== "simulator",
      'no simulator unless mode = "demo"',
    ),
    ["attestation", "provider"],
  ),
  v.forward(
    v.partialCheck(
      [["attestation"]],
      ({ attestation }) =>
        (attestation.provider === "simulator") === (attestation.simulator_dir !== undefined),
      "`simulator_dir` with the simulator, and only with it",
    ),
    ["attestation", "simulator_dir"],
  ),
);

/** What the schema let through. */
export type Read = v.InferOutput<typeof CONFIG>;

/** The configuration of a Worker: it has no files, no sockets and no TLS of its own, and says so to whoever names one. */
export const WORKER_CONFIG = v.pipe(
  v.objectWithRest(
    {
      ...BROKER,
      ledger: v.optional(WORKER_LEDGER, {}),
      findings: v.optional(WORKER_FINDINGS, {}),
      external_url: v.optional(url),
      trust_simulator_pem: v.optional(v.pipe(v.string(), v.maxLength(65_536))),
      providers: v.optional(WORKER_PROVIDERS, {}),
      admin: v.optional(WORKER_ADMINS, []),
      listen: absent("no [listen]: Cloudflare ends TLS, so that the binding is `application` and no other"),
      files: absent("no [files]: keys are the secrets KEK, SIGNING_KEY and LEDGER_KEY"),
      store: absent("no [store]: the database is the D1 binding DB"),
      kek: absent("no [kek]: the root key is the secret KEK"),
      audit: absent("no [[audit]]: a Worker tells nobody; read the log at `/v1/ledger/entries`"),
      notify: absent("no [[notify]]: a Worker tells nobody, and activates no policy that says `notify`"),
      traces: absent("no [traces]: Cloudflare has traces of its own"),
      health: absent("no [health]: a Worker says to everybody whether it can decide, and no more"),
      attestation: absent("no [attestation]: a Worker runs in no confidential VM and cannot prove itself"),
      oidc: absent("no [[oidc]]: admins of a Worker have keys"),
      watched: absent("no [[watched]]: a Worker has no files"),
      trust_simulator: absent("`trust_simulator_pem`, since a Worker has no files"),
    },
    v.never("no such member"),
  ),
  v.forward(v.partialCheck([["tokens"], ["kbs"]], keepsEvidence, KBS_WITHOUT_HELD_EVIDENCE), ["kbs"]),
  v.forward(
    v.partialCheck(
      [["mode"], ["trust_simulator_pem"]],
      (read) => read.mode === "demo" || read.trust_simulator_pem === undefined,
      'no simulator unless mode = "demo"',
    ),
    ["trust_simulator_pem"],
  ),
);

export type WorkerRead = v.InferOutput<typeof WORKER_CONFIG>;

/** What all brokers read alike. */
export type BrokerRead = Pick<Read, keyof typeof BROKER> & {
  readonly ledger: Pick<Read["ledger"], "readers" | "keep_traces_days">;
};
