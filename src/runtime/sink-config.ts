/** Who hears of what happens? `[[audit]]` of every entry of the log, `[[notify]]` of what policies and operators name. */
import * as v from "valibot";
import { isEachOnce, path, table, whole } from "./config-fields.ts";

export type SinkPlace =
  /** Lines of JSON; relative to the configuration. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "syslog"; readonly address: SyslogAddress; readonly caFile?: string }
  | { readonly kind: "webhook"; readonly url: string; readonly keyFile: string; readonly caFile?: string }
  | { readonly kind: "command"; readonly words: readonly string[] };

export type SyslogAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "udp" | "tcp" | "tls"; readonly host: string; readonly port: number };

export interface AuditConfig {
  readonly name: string;
  readonly place: SinkPlace;
  readonly from: "now" | "beginning";
}

export interface NotifyConfig {
  /** As policies have it. */
  readonly name: string;
  readonly place: SinkPlace;
  /** Acts of admins that it is told of besides, by their names in the log. */
  readonly acts: readonly string[];
}

/** Where spans go. */
export interface TraceConfig {
  readonly endpoint: string;
  readonly caFile?: string;
  /** A file with `NAME: VALUE`, which a collector may ask for. */
  readonly headerFile?: string;
  /** Of so many requests, from 0 to 1, one is told. */
  readonly ratio: number;
  readonly perSecond: number;
  /** What becomes of the `traceparent` that a guest sends. */
  readonly guestParent: "ignore" | "link" | "parent";
}

/** How cursors and metrics call the sinks of a configuration. */
export function sinkNamesOf(config: {
  readonly audits: readonly AuditConfig[];
  readonly notifies: readonly NotifyConfig[];
}): readonly string[] {
  return [
    ...config.audits.map(({ name }) => auditName(name)),
    ...config.notifies.map(({ name }) => notifyName(name)),
  ];
}

export function auditName(name: string): string {
  return `audit/${name}`;
}

export function notifyName(name: string): string {
  return `notify/${name}`;
}

const MAX_SINKS = 8;

const name = v.pipe(
  v.string(),
  v.regex(/^[\w.@-]{1,64}$/, "a name of letters, digits, `.`, `_`, `@` and `-`"),
);
const webUrl = v.pipe(
  v.string(),
  v.check(isGuarded, "an https: URL without user, password and fragment; http: for this machine alone"),
);
const syslogAddress = v.pipe(
  v.string(),
  v.check(
    (text) => parseSyslogAddress(text) !== undefined,
    "unix:/PATH, udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT",
  ),
);

/** Each kind has its own members: what another has is a problem. */
const PLACES = {
  file: { kind: v.literal("file"), path },
  syslog: { kind: v.literal("syslog"), address: syslogAddress, ca_file: v.optional(path) },
  webhook: { kind: v.literal("webhook"), url: webUrl, key_file: path, ca_file: v.optional(path) },
  command: {
    kind: v.literal("command"),
    command: v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[^\0]{0,4096}$/, "a word"))),
      v.check(
        ([program, ...words]) => program?.startsWith("/") === true && words.length < 32,
        "the absolute path of a program and its words",
      ),
    ),
  },
} as const;

const AUDIT_COMMON = { name, from: v.optional(v.picklist(["now", "beginning"]), "now") };
const act = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,63}$/, "the name of an act, as the log has it"));
const NOTIFY_COMMON = { name, acts: v.optional(v.pipe(v.array(act), v.maxLength(32)), []) };

const audit = v.variant("kind", [
  table({ ...AUDIT_COMMON, ...PLACES.file }),
  table({ ...AUDIT_COMMON, ...PLACES.syslog }),
  table({ ...AUDIT_COMMON, ...PLACES.webhook }),
]);
const notify = v.variant("kind", [
  table({ ...NOTIFY_COMMON, ...PLACES.file }),
  table({ ...NOTIFY_COMMON, ...PLACES.syslog }),
  table({ ...NOTIFY_COMMON, ...PLACES.webhook }),
  table({ ...NOTIFY_COMMON, ...PLACES.command }),
]);

export const AUDIT = v.pipe(
  v.array(audit),
  v.check(
    (list) => list.length <= MAX_SINKS && isEachOnce(list.map((one) => one.name)),
    `${MAX_SINKS} [[audit]] at most, each \`name\` once`,
  ),
);

export const NOTIFY = v.pipe(
  v.array(notify),
  v.check(
    (list) => list.length <= MAX_SINKS && isEachOnce(list.map((one) => one.name)),
    `${MAX_SINKS} [[notify]] at most, each \`name\` once`,
  ),
);

export const TRACES = table({
  endpoint: webUrl,
  ca_file: v.optional(path),
  header_file: v.optional(path),
  ratio: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1),
  per_second: v.optional(whole(1, 1000), 20),
  guest_parent: v.optional(v.picklist(["ignore", "link", "parent"]), "ignore"),
});

export function auditOf(read: v.InferOutput<typeof AUDIT>[number]): AuditConfig {
  return { name: read.name, from: read.from, place: placeOf(read) };
}

export function notifyOf(read: v.InferOutput<typeof NOTIFY>[number]): NotifyConfig {
  return { name: read.name, acts: read.acts, place: placeOf(read) };
}

export function traceOf(read: v.InferOutput<typeof TRACES>): TraceConfig {
  const { endpoint, ca_file: caFile, header_file: headerFile, ratio, per_second, guest_parent } = read;
  return {
    endpoint,
    ratio,
    perSecond: per_second,
    guestParent: guest_parent,
    ...(caFile === undefined ? {} : { caFile }),
    ...(headerFile === undefined ? {} : { headerFile }),
  };
}

function placeOf(
  read: v.InferOutput<typeof NOTIFY>[number] | v.InferOutput<typeof AUDIT>[number],
): SinkPlace {
  switch (read.kind) {
    case "file":
      return { kind: "file", path: read.path };
    case "command":
      return { kind: "command", words: read.command };
    case "webhook":
      return { kind: "webhook", url: read.url, keyFile: read.key_file, ...caOf(read.ca_file) };
    case "syslog": {
      const address = parseSyslogAddress(read.address);
      if (address === undefined) throw new TypeError("the schema saw to it");
      return { kind: "syslog", address, ...caOf(read.ca_file) };
    }
    default:
      return read satisfies never;
  }
}

function caOf(caFile: string | undefined) {
  return caFile === undefined ? {} : { caFile };
}

/** `undefined` for what is none. An IPv6 address stands in brackets. */
function parseSyslogAddress(text: string): SyslogAddress | undefined {
  const local = /^unix:(\/[^\0]{1,106})$/.exec(text)?.[1];
  if (local !== undefined) return { kind: "unix", path: local };
  const [, scheme, bracketed, bare, digits] =
    /^(udp|tcp|tls):(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(text) ?? [];
  const [host, port] = [bracketed ?? bare, Number(digits)];
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  if (scheme !== "udp" && scheme !== "tcp" && scheme !== "tls") return undefined;
  return { kind: scheme, host, port };
}

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** What is said over a network is said under TLS. */
function isGuarded(text: string): boolean {
  if (text.length > 2048 || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== "" || password !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
}
