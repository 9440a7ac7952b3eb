/** Does a syslog server get every message as RFC 5424 has it, and is a connection that was cut off no delivery? */
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import { type SyslogParts, type SyslogPlace, sendToSyslog } from "../../src/sinks/syslog.ts";
import { syslogMessage } from "../../src/sinks/syslog-message.ts";
import { notifySocket } from "../support/notify-socket.ts";
import { eventsOf } from "./events.ts";

const UNREACHABLE = { code: "sink/unreachable" };
/** RFC 5424 section 6, for messages without structured data. */
const RFC5424 =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) - (.*)$/;
const running: Server[] = [];

afterEach(() => {
  for (const server of running.splice(0)) server.close();
});

function partsOf(place: SyslogPlace, more: Partial<SyslogParts> = {}): SyslogParts {
  return { place, hostname: "broker-1", timeoutMs: 5000, signal: new AbortController().signal, ...more };
}

async function listening(server: Server): Promise<number> {
  running.push(server);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", () => done()));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Octet counting, read as a server reads it. */
function unframed(text: string): readonly string[] {
  const messages: string[] = [];
  for (let at = 0; at < text.length; ) {
    const [head = expect.fail(), digits] = /^([1-9]\d*) /.exec(text.slice(at, at + 12)) ?? [];
    messages.push(text.slice(at + head.length, at + head.length + Number(digits)));
    at += head.length + Number(digits);
  }
  return messages;
}

function collecting(heard: string[]) {
  return (socket: Socket) => {
    socket.setEncoding("utf8");
    socket.on("data", (piece) => void heard.push(String(piece)));
    socket.on("error", () => undefined);
  };
}

describe("a message", () => {
  it("is one of RFC 5424, whose text is the event", () => {
    const [event = expect.fail()] = eventsOf(3, 1);
    const [, priority, time, host, app, , id, text] = RFC5424.exec(syslogMessage(event, "broker-1")) ?? [];
    expect([priority, time, host, app, id]).toEqual(["109", event.time, "broker-1", "ostiary", "admin"]);
    expect(JSON.parse(text ?? "")).toEqual(event);
  });

  it("has no name of a host that is none", () => {
    const [event = expect.fail()] = eventsOf(3, 1);
    expect(syslogMessage(event, "a b\n<1>1")).toMatch(/^<109>1 \S+ - ostiary - admin - \{/);
  });
});

describe("a syslog server", () => {
  it("gets each message with its length before it, over TCP", async () => {
    const heard: string[] = [];
    const port = await listening(createServer(collecting(heard)));
    await sendToSyslog(eventsOf(0, 200), partsOf({ kind: "tcp", host: "127.0.0.1", port }));
    const messages = unframed(heard.join(""));
    expect(messages.map((one) => JSON.parse(RFC5424.exec(one)?.[7] ?? "").index)).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  it("gets them over TLS from whoever believes its authority", async () => {
    const heard: string[] = [];
    const { certificate, key, authority } = await makeTlsMaterial("127.0.0.1", Date.now());
    const other = await makeTlsMaterial("127.0.0.1", Date.now());
    const server = createTlsServer({ cert: certificate, key }, collecting(heard));
    server.on("tlsClientError", () => undefined);
    const place = { kind: "tls", host: "127.0.0.1", port: await listening(server) } as const;
    await sendToSyslog(eventsOf(0, 2), partsOf(place, { authorities: authority }));
    expect(unframed(heard.join("")).length).toBe(2);
    for (const parts of [partsOf(place), partsOf(place, { authorities: other.authority })]) {
      await expect(sendToSyslog(eventsOf(0, 2), parts)).rejects.toMatchObject(UNREACHABLE); // in order: two
    }
  });

  it("has not heard where it hangs, cuts the connection off, is not there, or the broker ends", async () => {
    const hangs = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    });
    const cuts = createServer((socket) => void socket.resetAndDestroy());
    const at = async (server: Server) =>
      ({ kind: "tcp", host: "127.0.0.1", port: await listening(server) }) as const;
    const hanging = await at(hangs);
    await expect(sendToSyslog(eventsOf(0, 1), partsOf(hanging, { timeoutMs: 50 }))).rejects.toMatchObject(
      UNREACHABLE,
    );
    await expect(sendToSyslog(eventsOf(0, 1), partsOf(await at(cuts)))).rejects.toMatchObject(UNREACHABLE);
    const nobody = { kind: "tcp", host: "127.0.0.1", port: 1 } as const;
    await expect(sendToSyslog(eventsOf(0, 1), partsOf(nobody))).rejects.toMatchObject(UNREACHABLE);
    const ending = new AbortController();
    const sent = sendToSyslog(eventsOf(0, 1), partsOf(hanging, { signal: ending.signal }));
    ending.abort();
    await expect(sent).rejects.toMatchObject(UNREACHABLE);
  });

  it("gets a datagram for each message by UDP", async () => {
    const socket = createSocket("udp4");
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    socket.on("message", (message) => {
      heard.push(String(message));
      if (heard.length === 5) all.resolve();
    });
    await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
    await sendToSyslog(
      eventsOf(0, 5),
      partsOf({ kind: "udp", host: "127.0.0.1", port: socket.address().port }),
    );
    await all.promise;
    socket.close();
    expect(heard.every((one) => RFC5424.test(one))).toBe(true);
  });

  it("gets them by its socket on this machine, and none is taken for heard that it has no room for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-syslog-"));
    const path = join(folder, "log");
    const place = { kind: "unix", path } as const;
    await expect(sendToSyslog(eventsOf(0, 1), partsOf(place))).rejects.toMatchObject(UNREACHABLE);
    const server = notifySocket(path);
    try {
      await sendToSyslog(eventsOf(0, 3), partsOf(place));
      const heard = await server.until('"index":2');
      expect(heard.map((one) => JSON.parse(RFC5424.exec(one)?.[7] ?? "").index)).toEqual([0, 1, 2]);
      await expect(sendToSyslog(eventsOf(0, 5000), partsOf(place))).rejects.toMatchObject(UNREACHABLE);
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
