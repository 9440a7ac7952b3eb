/** What is the Vault surface in a test? The real door over a real broker's exchange, in this process; programs come by real sockets. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { request as tlsRequest } from "node:https";
import { onTestFinished } from "vitest";
import type { SecretSource } from "../../src/agent/secret-source.ts";
import type { VaultMount } from "../../src/agent/vault/binding.ts";
import type { DoorPlace, VaultDoorPlan } from "../../src/agent/vault/door.ts";
import { createVaultDoor } from "../../src/agent/vault/door.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import { decodeProblem, faultOfProblem } from "../../src/wire/problem.ts";
import { attemptOf, type GuestBroker, POLICY, post, releaseOf } from "../pipeline/guest-at-hand.ts";
import { writeBroker, writeGuest } from "../pipeline/write-at-hand.ts";
import { freePort } from "./demo-broker.ts";

export const TOKEN = "local-agent-token";
export const MOUNTS: readonly VaultMount[] = [
  {
    kind: "kv",
    mount: "mariadb",
    path: "prod/mariadb/tde",
    form: { field: "data", encoding: "hex" },
    isWritable: false,
  },
  {
    kind: "kv",
    mount: "mongo",
    path: "prod/mongo",
    form: { field: "value", encoding: "base64" },
    isWritable: true,
  },
  { kind: "kv", mount: "secret", path: "prod/kv", form: { encoding: "json" }, isWritable: true },
  { kind: "transit", mount: "transit", path: "prod/transit" },
];

/** May read, write and use everything below `prod`. */
export const ALL = POLICY.replace("request.op == release", "request.op in [release, write, unwrap]").replace(
  "max_releases 3 per report.chip_id within 24h",
  "key_version any",
);

/** The way of the daemon to a broker, without its queue and its memory. */
async function sourceOver(broker: GuestBroker): Promise<SecretSource> {
  const guest = await writeGuest(broker);
  const read: SecretSource["read"] = async (path, version) => {
    broker.pass(1);
    const claims = { want: [version === undefined ? { secret: path } : { secret: path, version }] };
    const { body, transcript, wrapPrivate } = await attemptOf(broker, { claims });
    const response = await post(broker, "/v1/release", body);
    if (!response.ok) throw faultOfProblem(decodeProblem(new Uint8Array(await response.arrayBuffer())));
    const answer = await releaseOf(response);
    const known = { transcript, wrapPrivate, isPartial: false, signingKey: broker.world.signer.spki };
    const parts = { ...known, primitives: nodePrimitives, now: broker.world.now(), wanted: claims.want };
    const [opened] = await openReleases(answer, parts);
    if (opened === undefined) throw new Error("expected one release");
    return { path, decision: answer.decision, version: opened.version, secret: opened.secret };
  };
  return {
    read,
    readAnew: (path) => read(path),
    write: (path, secret, cas) => guest.write({ path, secret, ...(cas === undefined ? {} : { cas }) }),
    transit: async (path, item) => guest.use([item], { path }),
  };
}

export interface Surface {
  readonly broker: GuestBroker;
  /** Who stands behind it; a test may put another in its place. */
  readonly source: { now: SecretSource };
  readonly folder: string;
  readonly place: DoorPlace;
  /** One request, by its words. */
  readonly ask: (method: string, path: string, more?: Asked) => Promise<Answered>;
  readonly close: () => Promise<void>;
  /** Closes it and forgets its files. */
  readonly remove: () => Promise<void>;
}

export interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The one of the program, unless another is given; `null` for none. */
  readonly token?: string | null;
  readonly ca?: string;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

type Plan = Partial<Omit<VaultDoorPlan, "place">> & {
  readonly place?: "tcp" | "tls" | "socket";
  readonly policy?: string;
  /** Written into a file of its own. */
  readonly token?: string;
};

/** Opens a surface for one test. */
export async function surface(plan: Plan = {}): Promise<Surface> {
  const opened = await openSurface(plan);
  onTestFinished(opened.remove);
  return opened;
}

/** Opens one on a free port of the loopback, with TLS, or on a socket in tmpfs. */
export async function openSurface(plan: Plan = {}): Promise<Surface> {
  const { place: kind = "tcp", policy = ALL, token, ...more } = plan;
  const folder = mkdtempSync("/dev/shm/ostiary-vault-");
  if (token !== undefined) writeFileSync(`${folder}/token`, `${token}\n`, { mode: 0o600 });
  const known = token === undefined ? {} : { tokenFile: `${folder}/token` };
  const broker = await writeBroker({ policy });
  const source = { now: await sourceOver(broker) };
  const place = await placeOf(kind, folder);
  const digest = (bytes: Uint8Array) => nodePrimitives.digest("sha256", bytes);
  const makeTls = (host: string) => makeTlsMaterial(host, Date.now());
  const door = createVaultDoor(
    { name: "db", mounts: MOUNTS, place, rights: {}, ...known, ...more },
    { digest, makeTls },
  );
  const indirect: SecretSource = {
    read: (...words) => source.now.read(...words),
    readAnew: (...words) => source.now.readAnew(...words),
    write: (...words) => source.now.write(...words),
    transit: (...words) => source.now.transit(...words),
  };
  const forget = () => rmSync(folder, { recursive: true, force: true });
  const parts = { log: () => {}, signal: new AbortController().signal };
  const { close } = await door.open(indirect, parts).catch((thrown: unknown) => {
    forget();
    throw thrown;
  });
  const remove = async () => {
    await close();
    forget();
  };
  return {
    broker,
    source,
    folder,
    place,
    close,
    remove,
    ask: (method, path, asked) => ask(place, { method, path, ...asked }),
  };
}

async function placeOf(kind: "tcp" | "tls" | "socket", folder: string): Promise<DoorPlace> {
  if (kind === "socket") return { socket: `${folder}/vault.sock` };
  const authorityFile = kind === "tls" ? `${folder}/ca.pem` : undefined;
  return { host: "127.0.0.1", port: await freePort(), authorityFile };
}

export function ask(
  place: DoorPlace,
  {
    method,
    path,
    body,
    headers = {},
    token = TOKEN,
    ca,
  }: Asked & { readonly method: string; readonly path: string },
): Promise<Answered> {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const where = "socket" in place ? { socketPath: place.socket } : { host: place.host, port: place.port };
  const known = token === null ? {} : { "x-vault-token": token };
  const length = text === undefined ? {} : { "content-length": String(Buffer.byteLength(text)) };
  const options = {
    ...where,
    method,
    path: `/v1/${path}`,
    agent: false,
    headers: { ...known, ...length, ...headers },
  };
  return new Promise((done, failed) => {
    const isTls = !("socket" in place) && place.authorityFile !== undefined;
    const outgoing = isTls ? tlsRequest({ ...options, ca }) : request(options);
    outgoing.once("error", failed);
    outgoing.once("response", (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => void pieces.push(piece));
      response.once("error", failed);
      response.once("end", () => {
        const answer = Buffer.concat(pieces).toString();
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: answer === "" ? undefined : JSON.parse(answer),
        });
      });
    });
    outgoing.end(text);
  });
}

/** A folder in memory, for one test. */
export function folderInMemory(): string {
  const folder = mkdtempSync("/dev/shm/ostiary-vault-");
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function putSecret(broker: GuestBroker, path: string, plaintext: Uint8Array): Promise<void> {
  await broker.admin.putSecret(path, { kind: "static", plaintext });
}
