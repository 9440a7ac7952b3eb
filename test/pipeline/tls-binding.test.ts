/** Is evidence good on its own TLS connection and on no other? Binding 2, and the attacks of PROTOCOL section 12 on it. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { tlsChannel } from "../../src/agent/tls-channel.ts";
import { isFault } from "../../src/base/fault.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { spkiOfPublicPem } from "../../src/runtime/node/signers.ts";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import {
  carrierOf,
  evidenceFor,
  opened,
  openedBy,
  openedHttp2,
  type TlsBroker,
  tlsBroker,
  tlsSocket,
} from "./tls-broker.ts";

let at: TlsBroker;

beforeAll(async () => {
  at = await tlsBroker();
}, 60_000);

afterAll(() => at.remove());

/** Fault code of what was thrown. */
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

describe("a guest on its own connection", () => {
  it.each([
    ["HTTP/1.1", opened],
    ["HTTP/2", openedHttp2],
  ])("gets its key over %s, and the ledger says by which binding", async (_name, open) => {
    const channel = await open(at);
    const attested = await evidenceFor(at, channel);
    const answer = await channel.client.release(attested.request);
    expect((await openedBy(at, attested, answer))?.length).toBe(32);
    const entries = await ledgerEntries({ from: 0, limit: 1000 }, at.broker.world);
    expect(entries.at(-1)).toMatchObject({ id: answer.decision, outcome: "allow", binding: 2 });
    channel.close();
  });

  it("is told what no header can change (A18)", async () => {
    const channel = await opened(at);
    const { nonce } = await channel.client.challenge(2);
    expect(nonce.length).toBe(48);
    const elsewhere = await opened(at);
    const attested = await evidenceFor(at, elsewhere);
    const cb = elsewhere.carrier.binding === 2 ? Buffer.from(elsewhere.carrier.cb).toString("base64url") : "";
    const socket = await tlsSocket(at.broker.url, { ca: at.authority, ALPNProtocols: ["http/1.1"] });
    onTestFinished(() => void socket.destroy());
    const { encodeEvidenceRequest } = await import("../../src/wire/release.ts");
    const body = encodeEvidenceRequest(attested.request);
    const head = [
      "POST /v1/release HTTP/1.1",
      "host: 127.0.0.1",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      `x-exporter: ${cb}`,
      `x-client-cert: ${cb}`,
      "forwarded: for=127.0.0.1;proto=https",
      "connection: close",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    const answer = await textOf(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(lastRefusal()).toBe("channel/not-bound");
  });
});

function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((done) => {
    let text = "";
    stream.on("data", (piece: Buffer) => {
      text += String(piece);
    });
    stream.on("close", () => done(text));
  });
}

describe("genuine evidence", () => {
  it("is refused on another connection of the same guest (A02)", async () => {
    const [own, other] = [await opened(at), await opened(at)];
    const attested = await evidenceFor(at, own);
    expect(await codeOf(other.client.release(attested.request))).not.toBe("no fault");
    expect(lastRefusal()).toBe("channel/not-bound");
    expect(await codeOf(own.client.release(attested.request))).toBe("no fault"); // the control: its own still holds
  });

  it("opens once on its own connection (A04)", async () => {
    const channel = await opened(at);
    const attested = await evidenceFor(at, channel);
    await channel.client.release(attested.request);
    expect(await codeOf(channel.client.release(attested.request))).not.toBe("no fault");
    expect(lastRefusal()).toBe("nonce/spent");
  });

  it("of two guests over one HTTP/2 session of a proxy is refused for both (A19)", async () => {
    const proxy = await openedHttp2(at);
    const guests = [await opened(at), await opened(at)];
    for (const guest of guests) {
      const attested = await evidenceFor(at, { ...proxy, carrier: guest.carrier });
      expect(await codeOf(proxy.client.release(attested.request))).not.toBe("no fault");
      expect(lastRefusal()).toBe("channel/not-bound");
    }
    const own = await evidenceFor(at, proxy);
    expect(await codeOf(proxy.client.release(own.request))).toBe("no fault");
  });

  it("is refused over a nonce for another binding (A16)", async () => {
    const channel = await opened(at);
    const attested = await evidenceFor(at, channel, { nonceFor: 3 });
    expect(await codeOf(channel.client.release(attested.request))).not.toBe("no fault");
    expect(lastRefusal()).toBe("nonce/invalid");
  });

  it("of binding 3 still passes here, where a policy allows it: a set, not a ladder", async () => {
    const channel = await opened(at);
    const attested = await evidenceFor(at, { ...channel, carrier: { binding: 3 } });
    const answer = await channel.client.release(attested.request);
    expect((await openedBy(at, attested, answer))?.length).toBe(32);
  });
});

describe("a proxy that ends TLS with a certificate that the guest trusts (A16)", () => {
  it("sees a refusal, and the guest asks by no other binding", async () => {
    const { authority, certificate, key } = await makeTlsMaterial("127.0.0.1", Date.now());
    const carried: string[] = [];
    const proxy = createServer({ cert: certificate, key, ALPNProtocols: ["http/1.1"] }, (guest) => {
      const { hostname, port } = new URL(at.broker.url);
      const broker = connect({ host: hostname, port: Number(port), ca: at.authority });
      guest.on("data", (piece: Buffer) => void carried.push(String(piece)));
      guest.pipe(broker).pipe(guest);
      for (const socket of [guest, broker]) socket.on("error", () => undefined);
    });
    const url = await listening(proxy);
    const channel = await tlsChannel({ url, authorities: authority })(AbortSignal.timeout(20_000));
    const attested = await evidenceFor(at, channel);
    expect(await codeOf(channel.client.release(attested.request))).not.toBe("no fault");
    expect(lastRefusal()).toBe("channel/not-bound");
    expect(carried.join("").match(/"binding":\d/g)).toEqual(['"binding":2', '"binding":2']);
  });
});

function listening(server: ReturnType<typeof createServer>): Promise<string> {
  onTestFinished(() => void server.close());
  return new Promise((done) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      done(`https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
    });
  });
}

describe("the agent's connection", () => {
  it("takes no certificate of another authority", async () => {
    const { authority } = await makeTlsMaterial("127.0.0.1", Date.now());
    const open = tlsChannel({ url: at.broker.url, authorities: authority });
    expect(await codeOf(open(AbortSignal.timeout(20_000)))).toBe("broker/unreachable");
  });

  it("takes the pinned key whatever its name, and no other key", async () => {
    const pem = readFileSync(join(at.demo.folder, DATA_FILES.tlsCertificate), "utf8");
    const { X509Certificate } = await import("node:crypto");
    const { publicKey } = new X509Certificate(pem);
    const own = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
    const url = at.broker.url.replace("127.0.0.1", "localhost");
    const good = await tlsChannel({ url, pinnedSpki: own })(AbortSignal.timeout(20_000));
    expect((await good.client.challenge(2)).nonce.length).toBe(48);
    good.close();
    const other = spkiOfPublicPem(readFileSync(join(at.demo.folder, DATA_FILES.signingPublicKey), "utf8"));
    const before = at.logged.length;
    expect(await codeOf(tlsChannel({ url, pinnedSpki: other })(AbortSignal.timeout(20_000)))).toBe(
      "broker/other-tls-key",
    );
    expect(at.logged.length).toBe(before);
  });

  it("does not open a second one in place of a first that dropped", async () => {
    const channel = await opened(at);
    await channel.client.challenge(2);
    channel.close();
    expect(await codeOf(channel.client.challenge(2))).toBe("broker/unreachable");
  });
});

describe("a certificate that is replaced", () => {
  it("serves connections to come; those that are open keep theirs, and their evidence holds", async () => {
    const own = await tlsBroker();
    onTestFinished(() => own.remove());
    const before = await opened(own);
    const made = await makeTlsMaterial("127.0.0.1", Date.now());
    writeFileSync(join(own.demo.folder, DATA_FILES.tlsCertificate), made.certificate);
    expect(() => own.broker.reload()).toThrow(expect.objectContaining({ code: "config/invalid" }));
    writeFileSync(join(own.demo.folder, DATA_FILES.tlsKey), made.key);
    own.broker.reload();

    const attested = await evidenceFor(own, before);
    expect(await codeOf(before.client.release(attested.request))).toBe("no fault");
    expect(await codeOf(opened(own))).toBe("broker/unreachable");
    const after = await opened({ ...own, authority: made.authority });
    const again = await evidenceFor(own, after);
    expect(await codeOf(after.client.release(again.request))).toBe("no fault");
    expect(after.carrier).not.toEqual(before.carrier);
  });
});

describe("the listener", () => {
  it("speaks the hybrid group, and nothing older than TLS 1.3 (A22)", async () => {
    const hybrid = await tlsSocket(at.broker.url, { ca: at.authority, ecdhCurve: "X25519MLKEM768" });
    expect(hybrid.getProtocol()).toBe("TLSv1.3");
    expect(carrierOf(hybrid).binding).toBe(2);
    hybrid.destroy();
    const old = tlsSocket(at.broker.url, { ca: at.authority, maxVersion: "TLSv1.2" });
    await expect(old).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
  });

  it("renegotiates nothing (A22)", async () => {
    const socket = await tlsSocket(at.broker.url, { ca: at.authority });
    onTestFinished(() => void socket.destroy());
    const reason = await new Promise((done) => {
      socket.renegotiate({}, (error) =>
        done(error instanceof Error && "code" in error ? error.code : "none"),
      );
    });
    expect(reason).toBe("ERR_SSL_WRONG_SSL_VERSION");
  });
});

describe("a session that is resumed without the client's key (A01)", () => {
  const GET = "GET /.well-known/ostiary HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

  it("is no session here, where Node's own defaults let it in", async () => {
    const { certificate, key } = await makeTlsMaterial("127.0.0.1", Date.now());
    const careless = createHttpsServer({ cert: certificate, key }, (_request, response) => {
      response.end("handled");
    });
    const control = await resumedOn(await listening(careless));
    expect(control).toContain("Reused, TLSv1.3");
    expect(control).toContain("handled");

    const handled = at.logged.length;
    const guarded = await resumedOn(at.broker.url);
    const answers = guarded.match(/"audience"/g) ?? [];
    if (guarded.includes("Reused, TLSv1.3")) expect(at.logged.length).toBe(handled + 1);
    else expect(answers.length).toBeGreaterThan(0);
  });

  /** One full handshake that keeps its session, then one with that session: what the second printed. */
  async function resumedOn(url: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-session-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const session = join(folder, "session.pem");
    await sClient(url, ["-sess_out", session]);
    return sClient(url, ["-sess_in", session]);
  }

  function sClient(url: string, words: readonly string[]): Promise<string> {
    const address = new URL(url).host;
    const child = spawn("openssl", ["s_client", "-connect", address, "-tls1_3", "-ign_eof", ...words]);
    child.stdin.write(GET);
    return textOf(child.stdout);
  }
});
