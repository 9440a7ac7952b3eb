/** How is a TPM asked one thing? A command with its handles and parameters, and an answer that is parsed whole (TPM 2.0 Part 1, section 18). */
import { concatBytes, u16be, u32be } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";
import type { Transact } from "./transact.ts";
import { TPM_CC, TPM_RC, TPM_RH, TPM_ST, type TpmCommandName } from "./words.ts";

export interface TpmCommand {
  readonly name: TpmCommandName;
  readonly handles: readonly number[];
  readonly parameters: Uint8Array;
  /** A TPMS_AUTH_COMMAND for each handle that needs one, in their order, or that of a session. */
  readonly auth?: Uint8Array;
  /** How many handles its answer begins with. */
  readonly answersHandles?: 0 | 1;
}

export interface TpmAnswer {
  /** The first handle; 0 where there is none. */
  readonly handle: number;
  readonly parameters: Uint8Array;
  /** One TPMS_AUTH_RESPONSE; empty without sessions. */
  readonly auth: Uint8Array;
}

/**
 * Sends a command and reads its answer.
 *
 * @throws {@link Fault} `tpm/unavailable` with what it answered as `returned`, `tpm/malformed`.
 */
export async function ask(command: TpmCommand, transact: Transact): Promise<TpmAnswer> {
  const answer = parsed(await transact(encoded(command)), command);
  if (typeof answer !== "number") return answer;
  throw refused(command.name, answer);
}

/** Whether the TPM answered with this code. */
export function hasAnswered(thrown: unknown, code: number): boolean {
  return thrown instanceof Fault && thrown.detail["returned"] === `0x${code.toString(16)}`;
}

/** The authorization by a password that is empty: an owner who set none. */
export function emptyPassword(): Uint8Array {
  return concatBytes(
    u32be(TPM_RH.password),
    sized(new Uint8Array(0)),
    Uint8Array.of(0),
    sized(new Uint8Array(0)),
  );
}

/** TPM2B: `u16be(size) ‖ bytes`. */
export function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(u16be(bytes.length), bytes);
}

/** Reads a TPM2B. */
export function readSized(reader: Reader): Uint8Array {
  return reader.bytes(reader.u16be());
}

export function answerReader(bytes: Uint8Array): Reader {
  return new Reader(bytes, "tpm/malformed");
}

function encoded({ name, handles, parameters, auth }: TpmCommand): Uint8Array {
  const area = auth === undefined ? [] : [u32be(auth.length), auth];
  const body = concatBytes(u32be(TPM_CC[name]), ...handles.map(u32be), ...area, parameters);
  const tag = auth === undefined ? TPM_ST.noSessions : TPM_ST.sessions;
  return concatBytes(u16be(tag), u32be(body.length + 6), body);
}

/** The answer, or the code of a refusal. Hostile: on the bus between may be somebody else. */
function parsed(bytes: Uint8Array, { auth, answersHandles = 0 }: TpmCommand): TpmAnswer | number {
  const reader = answerReader(bytes);
  const tag = reader.u16be();
  const size = reader.u32be();
  const code = reader.u32be();
  if (size !== bytes.length) throw malformed("expected an answer as long as it says");
  const isRefusal = code !== 0;
  if (tag !== (isRefusal || auth === undefined ? TPM_ST.noSessions : TPM_ST.sessions)) {
    throw malformed("expected an answer with the sessions of its command");
  }
  if (isRefusal) {
    reader.end();
    return code;
  }
  const handle = answersHandles === 1 ? reader.u32be() : 0;
  const parameters = reader.bytes(auth === undefined ? reader.left : reader.u32be());
  return { handle, parameters, auth: reader.bytes(reader.left) };
}

function refused(name: TpmCommandName, code: number): Fault {
  const returned = `0x${code.toString(16)}`;
  return new Fault("tpm/unavailable", `the TPM answered ${name} with ${returned}${meaningOf(code)}`, {
    name,
    returned,
  });
}

function meaningOf(code: number): string {
  if (code === TPM_RC.badAuth || code === TPM_RC.authFail)
    return ": expected hierarchies of the owner and of endorsement without a password";
  if (code === TPM_RC.lockout) return ": it is locked out for a while, after wrong authorizations";
  return "";
}

export function malformed(sentence: string): Fault {
  return new Fault("tpm/malformed", sentence);
}
