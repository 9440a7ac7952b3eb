/** Who stands between a process and its TPM? A listener that hears all and may answer in its place. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { parseTpmDevice } from "../../src/runtime/tpm-device.ts";

interface Bus {
  readonly device: string;
  readonly heard: readonly Uint8Array[];
  readonly answers: readonly Uint8Array[];
  /** TPM_CC of each command. */
  readonly codes: readonly number[];
  readonly close: () => Promise<void>;
}

/** Stands between the process and its TPM; `undefined` hangs up. */
export function listening(
  device: string,
  change: (answer: Uint8Array, turn: number) => Uint8Array | undefined,
): Promise<Bus> {
  const place = parseTpmDevice(device);
  if (place?.kind !== "tcp") throw new Error("a TPM on a port");
  const { port } = place;
  const [heard, answers]: [Uint8Array[], Uint8Array[]] = [[], []];
  const codes: number[] = [];
  const open: Socket[] = [];
  const server: Server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    open.push(near, far);
    near.on("data", (bytes) => {
      heard.push(Uint8Array.from(bytes));
      codes.push(bytes.readUInt32BE(6));
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      heard.push(Uint8Array.from(bytes));
      const answer = change(Uint8Array.from(bytes), answers.length);
      answers.push(Uint8Array.from(bytes));
      if (answer === undefined) near.destroy();
      else near.write(answer);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("close", () => other.destroy());
      one.on("error", () => other.destroy());
    }
  });
  return new Promise((ready) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const own = typeof address === "object" && address !== null ? address.port : 0;
      const close = async (): Promise<void> => {
        for (const socket of open) socket.destroy();
        await new Promise((done) => server.close(done));
      };
      ready({ device: `tcp:127.0.0.1:${own}`, heard, answers, codes, close });
    });
  });
}
