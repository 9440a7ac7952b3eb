/** Which configuration is one? The schema of its TOML: every member, what it may be, and what it is unless said. */
import * as v from "valibot";
import { ALL_BINDING_NAMES } from "../channel/binding-names.ts";
import { OFFERED_SUITES } from "../channel/suites.ts";
import { WRAP_OF_SUITE } from "../policy/vocabulary.ts";
import { isEachOnce, label, path, table, url, whole } from "./config-fields.ts";
import { ADMINS, GOVERNANCE, OWNERS, WORKER_ADMINS } from "./governance-config.ts";
import { KEK, TPM_DEVICE } from "./kek-config.ts";
import { PROVIDERS, WORKER_PROVIDERS } from "./provider-config.ts";
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
  tokens: v.optional(table({ max_lifetime_seconds: v.optional(whole(1, 300), 300) }), {}),
  governance: v.optional(GOVERNANCE, {}),
  owner: v.optional(OWNERS, []),
};

/** Who cosigns the log. Each once: one that is asked twice has seen no more. */
const witnesses = v.pipe(
  v.array(
    table({ url, key: v.pipe(v.string(), v.maxLength(1024)), required: v.optional(v.boolean(), true) }),
  ),
  v.check(
    (list) => list.length <= 8 && isEachOnce(list.map((one) => one.url)),
    "at most eight, each `url` once",
  ),
  v.check((list) => isEachOnce(list.map((one) => one.key)), "each key once"),
);

const readers = v.optional(v.picklist(["anyone", "admins"]), "admins");

/** The owner's part of a TPM's NV indices. */
const tpmCounter = table({
  device: TPM_DEVICE,
  index: v.optional(
    v.pipe(v.string(), v.regex(/^0x01[89ab][0-9a-f]{5}$/, "an NV index from 0x01800000 to 0x01bfffff")),
    "0x01800571",
  ),
  every_minutes: v.optional(whole(1, 1440), 60),
});

const MEMBERS = table({
  ...BROKER,
  ledger: v.optional(
    table({
      readers,
      head_file: v.optional(path),
      tpm_counter: v.optional(tpmCounter),
      witness: v.optional(witnesses, []),
    }),
    {},
  ),
  trust_simulator: v.optional(path),
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
      ledger: v.optional(
        table({
          readers,
          head_file: absent("no `head_file`, since a Worker has no files: keep heads of the log elsewhere"),
          tpm_counter: absent("no `tpm_counter`: a Worker has no TPM"),
          witness: absent(
            "no `witness`: a Worker asks none; whoever reads `/v1/ledger/checkpoint` keeps heads",
          ),
        }),
        {},
      ),
      external_url: v.optional(url),
      trust_simulator_pem: v.optional(v.pipe(v.string(), v.maxLength(65_536))),
      providers: v.optional(WORKER_PROVIDERS, {}),
      admin: v.optional(WORKER_ADMINS, []),
      listen: absent("no [listen]: Cloudflare ends TLS, so that the binding is `application` and no other"),
      files: absent("no [files]: keys are the secrets KEK, SIGNING_KEY and LEDGER_KEY"),
      store: absent("no [store]: the database is the D1 binding DB"),
      kek: absent("no [kek]: the root key is the secret KEK"),
      attestation: absent("no [attestation]: a Worker runs in no confidential VM and cannot prove itself"),
      trust_simulator: absent("`trust_simulator_pem`, since a Worker has no files"),
    },
    v.never("no such member"),
  ),
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
  readonly ledger: Pick<Read["ledger"], "readers">;
};

function absent(message: string) {
  return v.optional(v.never(message));
}
