/** Who asks over HTTP without taking a core? Kept connections that write requests as they were made before, and count answers. */
import { connect, type Socket } from "node:net";

/** The whole request, as it goes out. */
export function rawPost(path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: broker\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

export interface RawConnection {
  /** The body of the answer. @throws where it is no 200. */
  readonly ask: (request: Buffer) => Promise<Buffer>;
  readonly end: () => void;
}

export function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  return new Promise((opened, failed) => {
    const socket = connect(Number(port), hostname, () => opened(askerOn(socket)));
    socket.once("error", failed);
  });
}

/** One request at a time. */
function askerOn(socket: Socket): RawConnection {
  let received = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<Buffer> | undefined;
  socket.on("data", (piece) => {
    received = Buffer.concat([received, piece]);
    const body = bodyOf(received);
    if (body === undefined) return;
    received = Buffer.alloc(0);
    waiting?.resolve(body);
  });
  socket.on("close", () => waiting?.reject(new Error("the broker closed a connection")));
  return {
    ask: (request) => {
      waiting = Promise.withResolvers<Buffer>();
      socket.write(request);
      return waiting.promise;
    },
    end: () => socket.destroy(),
  };
}

/** `undefined` until all of it is there. */
function bodyOf(received: Buffer): Buffer | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = received.toString("latin1", 0, end);
  const size = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(`a broker answered: ${received.toString()}`);
  return received.length < end + 4 + size ? undefined : received.subarray(end + 4);
}
