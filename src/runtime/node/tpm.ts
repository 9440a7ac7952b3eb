/** How do bytes go to a TPM and back? One command, one answer of the length that it says, over a device or a socket. */
import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Transact, WithTpm } from "../../attestation/tpm/transact.ts";
import { TPM_RC } from "../../attestation/tpm/words.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { parseTpmDevice, type TpmDevice } from "../tpm-device.ts";

interface Connection {
  readonly send: Transact;
  readonly close: () => Promise<void>;
}

const MOST_BYTES = 4096;
const HEADER_BYTES = 10;
const TIMEOUT_MS = 30_000;

const AGAIN: readonly number[] = [TPM_RC.yielded, TPM_RC.testing, TPM_RC.retry];
const TRIES = 6;
const PAUSE_MS = 100;

/**
 * Opens a TPM for as long as `work` takes.
 *
 * @throws {@link Fault} `tpm/unavailable`; `config/invalid` for what is no place of a TPM.
 */
export const withTpm: WithTpm = async (device, work) => {
  const place = parseTpmDevice(device);
  if (place === undefined) {
    throw new Fault("config/invalid", "expected a TPM as /dev/tpmrm0, unix:/PATH or tcp:127.0.0.1:PORT");
  }
  const tpm = await opened(place).catch((thrown: unknown) => {
    throw unavailable(device, `cannot be opened (${systemCodeOf(thrown)})`);
  });
  try {
    return await work(
      patient((command) =>
        tpm.send(command).catch((thrown: unknown) => {
          throw thrown instanceof Fault
            ? thrown
            : unavailable(device, `does not answer (${systemCodeOf(thrown)})`);
        }),
      ),
    );
  } finally {
    await tpm.close();
  }
};

/** Asks a TPM again that says so, a few times. */
export function patient(send: Transact): Transact {
  return async (command) => {
    for (let left = TRIES; ; left -= 1) {
      const answer = await send(command); // in order: each waits for the one before
      if (left <= 1 || !AGAIN.includes(codeIn(answer))) return answer;
      await sleep(PAUSE_MS);
    }
  };
}

/** What a refusal says, which has ten bytes; success for all else: whether that is an answer, its reader decides. */
function codeIn(answer: Uint8Array): number {
  if (answer.length !== HEADER_BYTES) return 0;
  return new DataView(answer.buffer, answer.byteOffset).getUint32(6);
}

function opened(place: TpmDevice): Promise<Connection> {
  return place.kind === "device" ? deviceAt(place.path) : socketAt(place);
}

/** The kernel takes a command in one write and gives its answer in one read. */
async function deviceAt(path: string): Promise<Connection> {
  const file = await open(path, "r+");
  return {
    send: async (command) => {
      await file.write(command);
      const answer = new Uint8Array(MOST_BYTES);
      const { bytesRead } = await file.read(answer, 0, MOST_BYTES);
      return answer.slice(0, bytesRead);
    },
    close: () => file.close(),
  };
}

async function socketAt(place: Exclude<TpmDevice, { readonly kind: "device" }>): Promise<Connection> {
  const socket = connect(
    place.kind === "unix" ? { path: place.path } : { host: place.host, port: place.port },
  );
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("the TPM took too long")));
  await new Promise<void>((done, failed) => {
    socket.once("connect", done);
    socket.once("error", failed);
  });
  socket.on("error", () => {}); // which whoever waits for an answer is told by the socket's end
  return {
    send: (command) => {
      const answer = answerOf(socket);
      socket.write(command);
      return answer;
    },
    close: async () => void socket.destroy(),
  };
}

/** Bytes until there are as many as the answer's own header says. Hostile: an emulator is a program like any other. */
function answerOf(socket: Socket): Promise<Uint8Array> {
  return new Promise((done, failed) => {
    let held: Uint8Array = new Uint8Array(0);
    const ended = (answer: Uint8Array | Fault): void => {
      socket.off("data", take);
      socket.off("close", gone);
      if (answer instanceof Fault) failed(answer);
      else done(answer);
    };
    const take = (piece: Uint8Array): void => {
      held = Uint8Array.from([...held, ...piece]);
      const size = held.length < HEADER_BYTES ? HEADER_BYTES : new DataView(held.buffer).getUint32(2);
      if (size > MOST_BYTES || held.length > MOST_BYTES)
        ended(malformed("expected an answer of at most 4096 bytes"));
      else if (held.length >= HEADER_BYTES && held.length >= size) ended(held);
    };
    const gone = (): void => ended(new Fault("tpm/unavailable", "the TPM went away before it answered"));
    socket.on("data", take);
    socket.once("close", gone);
  });
}

function malformed(sentence: string): Fault {
  return new Fault("tpm/malformed", sentence);
}

function unavailable(device: string, sentence: string): Fault {
  return new Fault("tpm/unavailable", `the TPM \`${device}\` ${sentence}`, { device });
}
