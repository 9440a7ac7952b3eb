/** What does a guest meet that binds its evidence to TLS? A broker that ends TLS itself, and every way to speak to it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { tlsChannel } from "../../src/agent/tls-channel.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { type Attested, attest } from "../../src/client/attest.ts";
import type { Send } from "../../src/client/bounded-fetch.ts";
import type { BrokerChannel, Carrier } from "../../src/client/channel.ts";
import { createGuestClient } from "../../src/client/guest.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { type RunningBroker, startBroker } from "../../src/runtime/node/broker.ts";
import { systemNow, systemRandom } from "../../src/runtime/node/clock.ts";
import { type DemoFolder, type DemoSource, makeDemoFolder } from "../../src/runtime/node/demo-folder.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { loadConfig } from "../../src/runtime/node/settings.ts";
import { createSimulatedBroker, createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import type { Claims, ReleaseAnswer } from "../../src/wire/messages.ts";

export interface TlsBroker {
  readonly demo: DemoFolder;
  readonly broker: RunningBroker;
  /** PEM of the authority that vouches for it. */
  readonly authority: string;
  /** What its log wrote: whole lines, several at a time. */
  readonly logged: string[];
  readonly remove: () => Promise<void>;
}

export interface TlsBrokerPlan {
  readonly moreSources?: readonly DemoSource[];
  /** By what it proves itself, given the folder of the simulated machine. */
  readonly provider?: (folder: string) => EvidenceProvider;
}

/** @param bindings - Names of those that it offers, where they are not the usual ones. */
export async function tlsBroker(
  bindings?: readonly string[],
  { moreSources = [], provider = createSimulatedBroker }: TlsBrokerPlan = {},
): Promise<TlsBroker> {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-tls-"));
  const demo = await makeDemoFolder(join(folder, "data"), {
    isUnlimited: true,
    tlsName: "127.0.0.1",
    moreSources,
  });
  if (bindings !== undefined) offer(demo.configPath, bindings);
  const logged: string[] = [];
  const broker = await startBroker(await loadConfig(demo.configPath), {
    writeLog: (lines) => void logged.push(lines),
    simulator: provider,
  });
  const authority = readFileSync(join(demo.folder, DATA_FILES.tlsAuthority), "utf8");
  const remove = async (): Promise<void> => {
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { demo, broker, authority, logged, remove };
}

function offer(configPath: string, bindings: readonly string[]): void {
  const text = readFileSync(configPath, "utf8");
  writeFileSync(configPath, text.replace("[listen]\n", `[listen]\nbindings = ${JSON.stringify(bindings)}\n`));
}

const SOON = () => AbortSignal.timeout(20_000);

/** A connection of the agent's own making: HTTP/1.1. */
export function opened({ broker, authority }: TlsBroker, url = broker.url): Promise<BrokerChannel> {
  return tlsChannel({ url, authorities: authority })(SOON());
}

/** Evidence for this carrier, over a nonce that came by this channel. */
export async function evidenceFor(
  { demo }: TlsBroker,
  { client, carrier }: BrokerChannel,
  change: { readonly carrier?: Carrier; readonly nonceFor?: 1 | 2 | 3; readonly claims?: Claims } = {},
): Promise<Attested> {
  const { nonce } = await client.challenge(change.nonceFor ?? carrier.binding, SOON());
  const provider = createSimulatorProvider(join(demo.folder, "simulated-machine"));
  const { audience, signingKey, secretPath } = demo;
  const claims = change.claims ?? { want: [{ secret: secretPath }] };
  const asked = { claims, nonce, carrier: change.carrier ?? carrier };
  const parts = { provider, primitives: nodePrimitives, random: systemRandom };
  return attest(asked, { audience, signingKey, suite: 1 }, parts);
}

/** The secret, as the guest that made this evidence opens it. */
export async function openedBy(
  { demo }: TlsBroker,
  { transcript, wrapPrivate }: Attested,
  answer: ReleaseAnswer,
): Promise<Uint8Array | undefined> {
  const releases = await openReleases(answer, {
    transcript,
    wrapPrivate,
    wanted: [{ secret: demo.secretPath }],
    isPartial: false,
    signingKey: demo.signingKey,
    now: systemNow(),
    primitives: nodePrimitives,
  });
  return releases[0]?.secret;
}

/** A connection over which HTTP/2 is spoken, with what binds evidence to it. */
export async function openedHttp2({ broker, authority }: TlsBroker): Promise<BrokerChannel> {
  const socket = await tlsSocket(broker.url, { ca: authority, ALPNProtocols: ["h2"] });
  const session = connectHttp2(broker.url, { createConnection: () => socket });
  const send: Send = (url, init) =>
    new Promise((resolve, reject) => {
      const headers = { ":method": init.method ?? "GET", ":path": new URL(url).pathname };
      const stream = session.request({ ...headers, ...Object.fromEntries(new Headers(init.headers)) });
      const pieces: Buffer[] = [];
      let status = 0;
      stream.on("response", (answered) => {
        status = Number(answered[":status"]);
      });
      stream.on("data", (piece: Buffer) => void pieces.push(piece));
      stream.on("end", () => resolve(new Response(Buffer.concat(pieces), { status })));
      stream.on("error", reject);
      stream.end(typeof init.body === "string" ? init.body : undefined);
    });
  const client = createGuestClient({ url: broker.url, fetch: send });
  return { client, carrier: carrierOf(socket), close: () => session.destroy() };
}

/** What the client's side of a socket says of its connection. */
export function carrierOf(socket: TLSSocket): Carrier {
  const leaf = socket.getPeerX509Certificate()?.publicKey.export({ format: "der", type: "spki" });
  if (leaf === undefined) throw new Error("a server shows its certificate");
  const exporter = socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
  return { binding: 2, cb: new Uint8Array(exporter), brokerSpki: new Uint8Array(leaf) };
}

export function tlsSocket(url: string, options: ConnectionOptions): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ...options });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}
