/** Which brokers does a guest's configuration trust, and who asks its hardware? `[[broker]]` and `[evidence]`, as the options of a verb. */
import * as v from "valibot";
import { ALL_BINDING_NAMES } from "../channel/binding-names.ts";
import { OFFERED_SUITES } from "../channel/suites.ts";
import type { AgentValues } from "../cli/agent-session.ts";
import { HAVE_NO_HOST_VTPM, PROVIDER_NAMES } from "../cli/evidence-options.ts";
import { WRAP_OF_SUITE } from "../policy/wraps.ts";
import { label, path, table, whole } from "./config-fields.ts";
import { parseTpmDevice } from "./tpm-device.ts";

const VMPL = v.picklist([0, 1, 2, 3]);
const address = v.pipe(
  v.string(),
  v.regex(/^https?:\/\/[^\s?#]{1,500}$/, "an http or https URL without a query"),
);

const MEMBERS = table({
  url: address,
  audience: v.optional(address),
  signing_key: v.optional(path),
  policy: v.optional(path),
  cluster: v.optional(label),
  vmpl: v.optional(VMPL),
  fresh: v.optional(v.boolean()),
  trust_simulator: v.optional(path),
  binding: v.optional(v.picklist(ALL_BINDING_NAMES)),
  wrap: v.optional(v.picklist(OFFERED_SUITES.map((suite) => WRAP_OF_SUITE[suite]))),
  tls_ca: v.optional(path),
  tls_pin: v.optional(path),
});

type BrokerMembers = v.InferOutput<typeof MEMBERS>;

const NEED_POLICY = ["cluster", "vmpl", "fresh", "trust_simulator"] as const;

/** One broker. What cannot be together is refused here, where all problems are told at once. */
export const AGENT_BROKER = v.pipe(
  MEMBERS,
  v.check(
    (read) => read.signing_key !== undefined || read.policy !== undefined,
    "`signing_key`, `policy` or both: by what the broker is known",
  ),
  v.check(
    (read) => read.policy !== undefined || NEED_POLICY.every((name) => read[name] === undefined),
    "`cluster`, `vmpl`, `fresh` and `trust_simulator` with `policy` only",
  ),
  v.check(
    (read) => isTls(read) || read.binding === undefined || read.binding === "application",
    "`tls-exporter` and `ra-tls` with an https URL only",
  ),
  v.check(
    (read) => (isTls(read) && read.binding !== "application") || (read.tls_ca ?? read.tls_pin) === undefined,
    "`tls_ca` and `tls_pin` with binding `tls-exporter` or `ra-tls` only",
  ),
);

const THIM = v.union(
  [v.literal("none"), v.pipe(v.string(), v.regex(/^http:\/\/[^\s#]{1,200}$/))],
  'an http URL, or "none"',
);

/** Who asks the hardware, and for how long a broker that does not answer is asked. */
export const AGENT_EVIDENCE = v.pipe(
  table({
    provider: v.optional(v.picklist(PROVIDER_NAMES)),
    vmpl: v.optional(VMPL),
    tsm_dir: v.optional(path),
    tpm: v.optional(
      v.pipe(
        v.string(),
        v.check((text) => parseTpmDevice(text) !== undefined, "a TPM"),
      ),
    ),
    thim: v.optional(THIM),
    event_log: v.optional(path),
    host_vtpm: v.optional(v.boolean()),
    svsm_vtpm: v.optional(v.boolean()),
    run_dir: v.optional(path),
    simulator_dir: v.optional(path),
    deadline_seconds: v.optional(
      v.union([whole(1, 86_400), v.literal("none")], 'a whole number of seconds, or "none"'),
    ),
    spread_seconds: v.optional(whole(0, 3600)),
    always: v.optional(v.boolean()),
    posture: v.optional(v.boolean()),
  }),
  v.check(
    (read) => (read.provider === "simulator") === (read.simulator_dir !== undefined),
    "`simulator_dir` with the simulator, and only with it",
  ),
  v.check(
    ({ host_vtpm, provider = "auto" }) => host_vtpm !== true || !HAVE_NO_HOST_VTPM.includes(provider),
    "`host_vtpm` with a provider of raw reports, which azure-vtpm and svsm are not",
  ),
  v.check(
    ({ svsm_vtpm, provider }) => svsm_vtpm !== true || provider === "svsm",
    '`svsm_vtpm` with `provider = "svsm"` only',
  ),
);

/** @param at - Makes a path of the file one of this process. */
export function brokerValuesOf(read: BrokerMembers, at: (path: string) => string): AgentValues {
  return present({
    broker: [read.url],
    audience: read.audience,
    "signing-key": mapped(read.signing_key, at),
    "broker-policy": mapped(read.policy, at),
    "broker-cluster": read.cluster,
    "broker-vmpl": mapped(read.vmpl, String),
    "broker-fresh": read.fresh === true ? true : undefined,
    "trust-simulator": mapped(read.trust_simulator, at),
    binding: read.binding,
    wrap: read.wrap,
    "tls-ca": mapped(read.tls_ca, at),
    "tls-pin": mapped(read.tls_pin, at),
  });
}

export function evidenceValuesOf(
  read: v.InferOutput<typeof AGENT_EVIDENCE>,
  at: (path: string) => string,
): AgentValues {
  return present({
    provider: read.provider,
    vmpl: mapped(read.vmpl, String),
    "tsm-dir": mapped(read.tsm_dir, at),
    tpm: read.tpm,
    thim: read.thim,
    "event-log": mapped(read.event_log, at),
    "host-vtpm": read.host_vtpm === true ? true : undefined,
    "svsm-vtpm": read.svsm_vtpm === true ? true : undefined,
    "run-dir": mapped(read.run_dir, at),
    "simulator-dir": mapped(read.simulator_dir, at),
    deadline: mapped(read.deadline_seconds, String),
    spread: mapped(read.spread_seconds, String),
    "attest-always": read.always === true ? true : undefined,
    posture: read.posture === true ? true : undefined,
  });
}

function isTls({ url }: BrokerMembers): boolean {
  return url.startsWith("https:");
}

function mapped<T, U>(value: T | undefined, map: (value: T) => U): U | undefined {
  return value === undefined ? undefined : map(value);
}

/** Absent members are not there at all: they would stand in the place of options otherwise. */
function present(values: { readonly [K in keyof AgentValues]: AgentValues[K] | undefined }): AgentValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
