/** Does a client certificate that carries the evidence open what it should, and nothing else? Binding 1, and PROTOCOL section 12 on it. */
import { execFileSync, spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Server, TLSSocket } from "node:tls";
import { decodeJwt, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { raTlsChannel } from "../../src/agent/ra-tls-channel.ts";
import type { ClientCertificate } from "../../src/agent/tls-connection.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import type { Attested } from "../../src/client/attest.ts";
import type { Carrier } from "../../src/client/channel.ts";
import { systemNow } from "../../src/runtime/node/clock.ts";
import { makeGuestLeaf } from "../../src/runtime/node/guest-certificate.ts";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import { encodeEvidenceRequest } from "../../src/wire/release.ts";
import { evidenceFor, opened, openedBy, type TlsBroker, tlsBroker, tlsSocket } from "./tls-broker.ts";

let at: TlsBroker;

beforeAll(async () => {
  at = await tlsBroker(["ra-tls", "tls-exporter", "application"]);
}, 60_000);

afterAll(() => at.remove());

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "no fault";
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

/** What the operator finds for the newest refusal. */
function lastRefusal(): string {
  const written = at.logged.join("").trimEnd().split("\n");
  const lines = written.map((line): Record<string, unknown> => JSON.parse(line));
  return String(lines.findLast(({ event }) => event === "refused")?.["code"]);
}

function way() {
  return raTlsChannel({ url: at.broker.url, authorities: at.authority }, makeGuestLeaf)(SOON());
}

const SOON = () => AbortSignal.timeout(20_000);

interface Prepared {
  readonly attested: Attested;
  readonly body: string;
  readonly leaf: Awaited<ReturnType<typeof makeGuestLeaf>>;
  readonly shown: ClientCertificate;
}

/** Good evidence for a key, and the certificate that carries it. */
async function prepared(nonceFor: 1 | 2 | 3 = 1): Promise<Prepared> {
  const first = await opened(at);
  onTestFinished(() => first.close());
  const leaf = await makeGuestLeaf();
  const brokerSpki = first.carrier.binding === 2 ? first.carrier.brokerSpki : new Uint8Array(0);
  const carrier: Carrier = { binding: 1, brokerSpki, guestSpki: leaf.spki };
  const attested = await evidenceFor(at, { ...first, carrier }, { carrier, nonceFor });
  const body = encodeEvidenceRequest(attested.request);
  return { attested, body, leaf, shown: await leaf.certify(utf8(body), addSeconds(systemNow(), 60)) };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request over a connection of its own that shows this certificate; `undefined` shows none. */
async function posted(body: string, shown: ClientCertificate | undefined, path = "/v1/release") {
  const options = shown === undefined ? {} : { cert: shown.certificate, key: shown.key };
  const socket = await tlsSocket(at.broker.url, {
    ca: at.authority,
    ALPNProtocols: ["http/1.1"],
    ...options,
  });
  onTestFinished(() => void socket.destroy());
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return answerOf(await textOf(socket));
}

function answerOf(text: string): Answer {
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text };
}

function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((done, fail) => {
    let text = "";
    stream.on("data", (piece: Buffer) => {
      text += String(piece);
    });
    stream.on("error", fail);
    stream.on("close", () => done(text));
  });
}

describe("a guest with a certificate for its evidence", () => {
  it("gets its key by the agent, and the ledger says by which binding", async () => {
    const channel = await way();
    onTestFinished(() => channel.close());
    const attested = await evidenceFor(at, channel);
    const answer = await channel.client.release(attested.request);
    expect((await openedBy(at, attested, answer))?.length).toBe(32);
    const entries = await ledgerEntries({ from: 0, limit: 1000 }, at.broker.world);
    expect(entries.at(-1)).toMatchObject({ id: answer.decision, outcome: "allow", binding: 1 });
  });

  it("gets it over HTTP/2 too", async () => {
    const { attested, body, shown } = await prepared();
    const socket = await tlsSocket(at.broker.url, {
      ca: at.authority,
      ALPNProtocols: ["h2"],
      cert: shown.certificate,
      key: shown.key,
    });
    const session = connectHttp2(at.broker.url, { createConnection: () => socket });
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ":method": "POST",
      ":path": "/v1/release",
      "content-type": "application/json",
    });
    stream.end(body);
    const { decodeReleaseAnswer } = await import("../../src/wire/release.ts");
    const answer = decodeReleaseAnswer(utf8(await textOf(stream)));
    expect((await openedBy(at, attested, answer))?.length).toBe(32);
  });

  it("gets a result that names its certificate, for use over that connection", async () => {
    const channel = await way();
    onTestFinished(() => channel.close());
    const { publicKey } = await generateKeyPair("ES256");
    const { x = "", y = "" } = await exportJWK(publicKey);
    const cnf = { kty: "EC", crv: "P-256", x, y } as const;
    const attested = await evidenceFor(at, channel, { claims: { want: [], cnf } });
    const { token } = await channel.client.attest(attested.request);
    expect(decodeJwt(token)["cnf"]).toMatchObject({ "x5t#S256": expect.stringMatching(/^[\w-]{43}$/) });
  });

  it("may be served by the other bindings on the same listener: a set, not a ladder", async () => {
    const channel = await opened(at);
    onTestFinished(() => channel.close());
    const attested = await evidenceFor(at, channel);
    expect(await codeOf(channel.client.release(attested.request))).toBe("no fault");
  });
});

describe("genuine evidence in a certificate", () => {
  it("opens once, on whatever connection (A04)", async () => {
    const { body, shown } = await prepared();
    expect((await posted(body, shown)).status).toBe(200);
    expect((await posted(body, shown)).status).toBe(409);
    expect(lastRefusal()).toBe("nonce/spent");
  });

  it("is refused over a nonce for another binding (A16)", async () => {
    const { body, shown } = await prepared(3);
    expect((await posted(body, shown)).status).toBe(409);
    expect(lastRefusal()).toBe("nonce/invalid");
  });

  it("opens nothing for whoever stole the guest's TLS key, though it passes (A03)", async () => {
    const { attested, body, shown } = await prepared();
    const thief = await posted(body, shown);
    expect(thief.status).toBe(200);
    const { decodeReleaseAnswer } = await import("../../src/wire/release.ts");
    const answer = decodeReleaseAnswer(utf8(thief.text.slice(thief.text.indexOf("\r\n\r\n") + 4)));
    const lacking = { ...attested, wrapPrivate: new Uint8Array(32).fill(7) };
    await expect(openedBy(at, lacking, answer)).rejects.toMatchObject({ code: "channel/bad-release" });
    expect((await openedBy(at, attested, answer))?.length).toBe(32); // the control: the guest's own key opens it
  });

  it("says no of binding 2 to the same thief (A03)", async () => {
    const own = await opened(at);
    const attested = await evidenceFor(at, own);
    const { shown } = await prepared();
    expect((await posted(encodeEvidenceRequest(attested.request), shown)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/not-bound");
    expect(await codeOf(own.client.release(attested.request))).toBe("no fault");
  });

  it("is looked for in no header (A18)", async () => {
    const { body, shown } = await prepared();
    const { raw } = new X509Certificate(shown.certificate);
    const socket = await tlsSocket(at.broker.url, { ca: at.authority, ALPNProtocols: ["http/1.1"] });
    const head = [
      "POST /v1/release HTTP/1.1",
      "host: 127.0.0.1",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      `client-cert: :${raw.toString("base64").slice(0, 14_000)}:`,
      `x-forwarded-client-cert: Hash=${createHash("sha256").update(raw).digest("hex")}`,
      "connection: close",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    expect(answerOf(await textOf(socket)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/bad-carrier");
    expect((await posted(body, shown)).status).toBe(200);
  });
});

describe("a broker that does not offer binding 1", () => {
  it("asks for no certificate and refuses the challenge", async () => {
    const plain = await tlsBroker();
    onTestFinished(() => plain.remove());
    const open = raTlsChannel({ url: plain.broker.url, authorities: plain.authority }, makeGuestLeaf);
    const channel = await open(SOON());
    expect(await codeOf(channel.client.challenge(1))).toBe("channel/wrong-listener");
    channel.close();
  });
});

describe("certificate tricks (A30, A20)", () => {
  const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ostiary-leaves-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function openssl(...words: readonly string[]): Buffer {
    return execFileSync("openssl", words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  }

  it("evidence for another key is refused by the transcript", async () => {
    const { body } = await prepared();
    const other = await makeGuestLeaf();
    const shown = await other.certify(utf8(body), addSeconds(systemNow(), 60));
    expect((await posted(body, shown)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/not-bound");
  });

  it("a body that is not the certificate's is refused", async () => {
    const { body, leaf } = await prepared();
    const shown = await leaf.certify(utf8(`${body} `), addSeconds(systemNow(), 60));
    expect((await posted(body, shown)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/bad-carrier");
  });

  it("no certificate at all is refused, with a right body", async () => {
    const { body } = await prepared();
    expect((await posted(body, undefined)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/bad-carrier");
  });

  it("a stranger's leaf before the genuine one is judged by itself; an issuer beside a leaf makes it none", async () => {
    const { body, shown } = await prepared();
    openssl("req", "-x509", ...KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2");
    openssl("req", ...KEY, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf");
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", "leaf.pem");
    const read = (name: string) => execFileSync("cat", [join(folder, name)]).toString();
    const strangerFirst = {
      certificate: `${read("ca.pem")}\n${shown.certificate}`,
      key: read("ca.key"),
    };
    expect((await posted(body, strangerFirst)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/bad-carrier");
    const issued = { certificate: `${read("leaf.pem")}\n${read("ca.pem")}`, key: read("leaf.key") };
    expect((await posted(body, issued)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/bad-carrier");
    expect((await posted(body, shown)).status).toBe(200); // the control
  });

  it("a certificate of more than 64 KiB is refused by us, of 110 KB by TLS, and the broker lives on", async () => {
    const { body, leaf } = await prepared();
    const until = addSeconds(systemNow(), 60);
    const of = (size: number) => leaf.certify(new Uint8Array(size).fill(0x41), until);
    const sizeOf = ({ certificate }: ClientCertificate) => new X509Certificate(certificate).raw.length;
    const large = await of(49_000);
    expect(sizeOf(large)).toBeGreaterThan(65_536);
    expect((await posted(body, large)).status).toBe(403);
    expect(lastRefusal()).toBe("channel/bad-carrier");
    const huge = await of(83_000);
    expect(sizeOf(huge)).toBeGreaterThan(110_000);
    await expect(posted(body, huge)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
    expect((await posted(body, (await prepared()).shown)).status).toBe(403); // alive, and as strict as before
  });
});

describe("a session that is resumed without the guest's key (A01)", () => {
  const GET = "GET /.well-known/ostiary HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

  it.each([1, 5, 20])("is that guest to Node's own defaults, with %i KB of evidence", async (kilobytes) => {
    const { certificate, key } = await makeTlsMaterial("127.0.0.1", Date.now());
    const leaf = await makeGuestLeaf();
    const shown = await leaf.certify(new Uint8Array(kilobytes * 700), addSeconds(systemNow(), 60));
    const options = { cert: certificate, key, requestCert: true, rejectUnauthorized: false };
    const careless = createHttpsServer(options, ({ socket }, response) => {
      response.end(socket instanceof TLSSocket ? `for ${socket.getPeerX509Certificate()?.subject}` : "");
    });
    const control = await resumedOn(await listening(careless), shown, [GET, GET]);
    expect(control).toContain("Reused, TLSv1.3");
    expect(control).toContain("for CN=Ostiary guest");
  });

  it("is nobody here, though it sends that guest's own good request", async () => {
    const { body, shown } = await prepared();
    const head = `POST /v1/release HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    const POST = `${head}\r\nConnection: close\r\n\r\n${body}`;
    const guarded = await resumedOn(at.broker.url, shown, [GET, POST]);
    expect(guarded).not.toContain("HTTP/1.1 200");
    expect((await posted(body, shown)).status).toBe(200); // the control: with the key, the same bytes are good
  });

  /** One full handshake with the certificate that keeps its session, then one with that session and no key: what the second printed. */
  async function resumedOn(
    url: string,
    shown: ClientCertificate,
    requests: readonly [string, string],
  ): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-session-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [session, certificate, key] = ["session.pem", "cert.pem", "key.pem"].map((name) =>
      join(folder, name),
    );
    if (session === undefined || certificate === undefined || key === undefined)
      throw new Error("three names");
    writeFileSync(certificate, shown.certificate);
    writeFileSync(key, shown.key);
    await sClient(url, requests[0], ["-sess_out", session, "-cert", certificate, "-key", key]);
    return sClient(url, requests[1], ["-sess_in", session]);
  }

  function sClient(url: string, text: string, words: readonly string[]): Promise<string> {
    const child = spawn("openssl", [
      "s_client",
      "-connect",
      new URL(url).host,
      "-tls1_3",
      "-ign_eof",
      ...words,
    ]);
    child.stdin.on("error", () => undefined); // a refused connection closes its side first
    child.stdin.write(text);
    return textOf(child.stdout);
  }

  function listening(server: Server): Promise<string> {
    onTestFinished(() => void server.close());
    return new Promise((done) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        done(`https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
      });
    });
  }
});

describe("the listener with certificates (A22)", () => {
  it("speaks nothing older than TLS 1.3, and offers no early data", async () => {
    const { shown } = await prepared();
    const options = { ca: at.authority, cert: shown.certificate, key: shown.key };
    const old = tlsSocket(at.broker.url, { ...options, maxVersion: "TLSv1.2" });
    await expect(old).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
  });
});
