/** What is a guest of the KBS protocol in a test? One that is written from the protocol's text, over Node's own cryptography. */
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type FlattenedJWE, flattenedDecrypt } from "jose";
import type { KbsEdges } from "../../src/http/kbs/edges.ts";
import { kbsEdgesOf } from "../../src/runtime/kbs-config.ts";
import type { ReportPlan, SimulatedChip } from "../../src/simulator/sp.ts";
import { namedReport, type SerdeValue, serdeText } from "../support/sev-crate-json.ts";
import { type BrokerPlan, type GuestBroker, guestBroker } from "./guest-at-hand.ts";

export const KBS_PATH = "default/key/1";
export const CONTENT = "a key that a container waits for";

/** What a Confidential Containers operator may write: one image, no debug, over this exchange. */
export const KBS_POLICY = `writ 1
module acme.kbs version 1.0.0 { owner "ops@acme.example" }
policy containers {
  for resource "default/**", "attest"
  platform bare-metal
  require measurement == hex"${"02".repeat(48)}" else "this image is not approved"
  require request.channel == kbs
  require vmpl == 0
  require not guest.debug else "guest memory could be read"
  require endorsement.crl_age <= 24h
  require evidence.age <= 5m
  allow "containers" when request.op == release
  on release { token_ttl 5m }
}
`;

export type KeyKind = "P-256" | "P-521" | "RSA";
export type Version = "0.2.0" | "0.4.0";

export interface KbsPlan extends BrokerPlan {
  readonly kbs?: Partial<KbsEdges>;
}

/** A broker that trusts the simulator, serves the KBS, and has a secret for its guests. */
export async function kbsBroker({
  kbs,
  edge,
  policy = KBS_POLICY,
  ...plan
}: KbsPlan = {}): Promise<GuestBroker> {
  const edges = { ...kbsEdgesOf({ versions: ["0.4.0", "0.2.0"], takesAdmins: true }), ...kbs };
  const broker = await guestBroker({ ...plan, policy, edge: { kbs: edges, ...edge } });
  await broker.admin.putSecret(KBS_PATH, { kind: "static", plaintext: new TextEncoder().encode(CONTENT) });
  return broker;
}

export interface TeeKey {
  readonly privateKey: KeyObject;
  /** As the client exports it. */
  readonly jwk: Readonly<Record<string, string>>;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

export function teeKey(kind: KeyKind = "P-256"): TeeKey {
  const { privateKey, publicKey } =
    kind === "RSA"
      ? rsa
      : generateKeyPairSync("ec", { namedCurve: kind === "P-256" ? "prime256v1" : "secp521r1" });
  const { n = "", e = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
  const jwk =
    kind === "RSA"
      ? { alg: "RSA-OAEP-256", e, kty: "RSA", n }
      : { alg: "ECDH-ES+A256KW", crv: kind, kty: "EC", x, y };
  return { privateKey, jwk };
}

export interface KbsSession {
  readonly version: Version;
  /** `kbs-session-id=…`, as a client sends it back. */
  readonly cookie: string;
  readonly nonce: string;
}

/** Whoever answers requests: a broker in this process, or one behind a URL. */
export interface Asked {
  readonly app: { readonly request: (path: string, init: RequestInit) => Response | Promise<Response> };
}

/** That, and a machine whose evidence it believes. */
export interface AskedWithChip extends Asked {
  readonly chip: SimulatedChip;
}

/** One request of a KBS client. */
export async function ask(
  broker: Asked,
  method: string,
  path: string,
  init: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  const headers = {
    ...(init.body === undefined ? {} : { "content-type": "application/json" }),
    ...init.headers,
  };
  return broker.app.request(`/kbs/v0/${path}`, { ...init, method, headers });
}

export function cookieIn(answer: Response): string {
  return (answer.headers.get("set-cookie") ?? "").split(";", 1).join("");
}

export async function openSession(
  broker: Asked,
  version: Version = "0.4.0",
  tee = "snp",
): Promise<KbsSession> {
  const params = version === "0.4.0" ? { "supported-hash-algorithms": ["sha256", "sha384", "sha512"] } : "";
  const answer = await ask(broker, "POST", "auth", {
    body: JSON.stringify({ version, tee, "extra-params": params }),
  });
  if (answer.status !== 200) throw new Error(`auth answered ${answer.status}: ${await answer.text()}`);
  const { nonce }: { nonce: string } = JSON.parse(await answer.text());
  return { version, cookie: cookieIn(answer), nonce };
}

/** What a guest may do otherwise than it should. */
export interface KbsDeviation {
  readonly key?: TeeKey;
  readonly report?: Partial<ReportPlan>;
  readonly chip?: SimulatedChip;
  /** What the hash is made of, if not what is sent. */
  readonly hashed?: Readonly<Record<string, unknown>>;
  readonly runtime?: Readonly<Record<string, SerdeValue>>;
  readonly initData?: SerdeValue;
  readonly additional?: string;
  readonly evidence?: SerdeValue;
  readonly evidenceOf?: (report: Uint8Array) => SerdeValue;
  readonly reportJson?: (report: Uint8Array) => SerdeValue;
}

/** SHA-384 over the canonical JSON: members by name, and nothing but text in them. */
export function runtimeHash(value: Readonly<Record<string, unknown>>): Uint8Array {
  return new Uint8Array(createHash("sha384").update(sorted(value)).digest());
}

function sorted(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sorted(member)}`).join(",")}}`;
}

/** The body of an attestation, good but for its deviations. */
export function attestationOf(
  broker: AskedWithChip,
  session: KbsSession,
  deviation: KbsDeviation = {},
): string {
  const { key = teeKey(), chip = broker.chip, additional = "" } = deviation;
  const { nonce, version } = session;
  const hashed = {
    nonce,
    "tee-pubkey": key.jwk,
    ...(version === "0.4.0" ? { "additional-evidence": additional } : {}),
    ...deviation.hashed,
  };
  const reportData = new Uint8Array(64);
  reportData.set(runtimeHash(hashed));
  const report = chip.report({ reportData, ...deviation.report });
  const evidence = deviation.evidence ??
    deviation.evidenceOf?.(report) ?? {
      attestation_report: (deviation.reportJson ?? namedReport)(report),
      cert_chain: [{ cert_type: "VCEK", data: [...chip.leaf] }],
    };
  if (version === "0.2.0") return serdeText({ "tee-pubkey": key.jwk, "tee-evidence": evidence });
  return serdeText({
    "init-data": deviation.initData ?? null,
    "runtime-data": { nonce, "tee-pubkey": key.jwk, ...deviation.runtime },
    "tee-evidence": { primary_evidence: evidence, additional_evidence: additional },
  });
}

export async function attest(
  broker: AskedWithChip,
  session: KbsSession,
  deviation: KbsDeviation = {},
): Promise<Response> {
  const headers = { cookie: session.cookie };
  return ask(broker, "POST", "attest", { body: attestationOf(broker, session, deviation), headers });
}

export interface KbsGuest extends KbsSession {
  readonly key: TeeKey;
  readonly token: string;
}

/** A guest that was attested. */
export async function attestedGuest(
  broker: AskedWithChip,
  {
    version = "0.4.0",
    kind = "P-256",
    ...deviation
  }: KbsDeviation & { readonly version?: Version; readonly kind?: KeyKind } = {},
): Promise<KbsGuest> {
  const key = deviation.key ?? teeKey(kind);
  const session = await openSession(broker, version);
  const answer = await attest(broker, session, { ...deviation, key });
  if (answer.status !== 200) throw new Error(`attest answered ${answer.status}: ${await answer.text()}`);
  const { token }: { token: string } = JSON.parse(await answer.text());
  return { ...session, key, token };
}

export function byCookie({ cookie }: KbsSession): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { cookie } };
}

export function byToken({ token }: KbsGuest): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** What the client makes of an answer: the five members, opened by the key in the report. */
export async function opened(answer: Response, { privateKey }: TeeKey): Promise<string> {
  const jwe: FlattenedJWE = JSON.parse(await answer.text());
  const { plaintext } = await flattenedDecrypt(jwe, privateKey);
  return new TextDecoder().decode(plaintext);
}

/** Variant and status of a no, as the stock client reads it. */
export async function errorOf(answer: Response): Promise<readonly [status: number, variant: string]> {
  const { type, detail }: { type: string; detail: string } = JSON.parse(await answer.text());
  if (typeof detail !== "string" || detail === "") throw new Error("a no without a detail");
  return [answer.status, type.replace("https://github.com/confidential-containers/kbs/errors/", "")];
}
