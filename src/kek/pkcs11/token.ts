/** How is a token kept open? One session, one thing at a time; what was taken away is opened again once, and no PIN is ever tried twice. */
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault, type FaultDetail } from "../../base/fault.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { allocated, copied, wordAt } from "./memory.ts";
import { loadModule, type Pkcs11Module } from "./module.ts";
import { CKF, CKR, CKU_USER, type FunctionName } from "./words.ts";

/** Where the token is, and what opens it. */
export interface TokenPlace {
  /** The library of the token's maker. */
  readonly module: string;
  /** CKA_LABEL of the token. */
  readonly token: string;
  /** Kept in memory for as long as the process runs: a token that comes back wants it again. */
  readonly pin: Uint8Array;
}

/** A session that is logged in. */
export interface Session {
  readonly module: Pkcs11Module;
  readonly handle: bigint;
}

export interface Token<K> {
  /** Runs one thing after the other: a session of PKCS#11 does no two at once. */
  readonly use: <T>(work: (session: Session, key: K) => Promise<T>) => Promise<T>;
}

type Prepare<K> = (session: Session) => Promise<K>;

/** After these nothing of the session can be used, though the token may be there again. */
const LOST: readonly bigint[] = [
  CKR.deviceError,
  CKR.deviceRemoved,
  CKR.keyHandleInvalid,
  CKR.objectHandleInvalid,
  CKR.sessionClosed,
  CKR.sessionHandleInvalid,
  CKR.tokenNotPresent,
  CKR.notLoggedIn,
  CKR.notInitialized,
];

/**
 * Opens a token. What `prepare` finds in it is found again after each opening.
 *
 * @throws {@link Fault} `kek/unavailable`.
 */
export async function openToken<K>(place: TokenPlace, prepare: Prepare<K>): Promise<Token<K>> {
  const open = opener(place, prepare);
  let opened: { readonly session: Session; readonly key: K } | undefined = await open();
  let last: Promise<unknown> = Promise.resolve();
  const once = async <T>(work: (session: Session, key: K) => Promise<T>): Promise<T> => {
    opened ??= await open();
    try {
      return await work(opened.session, opened.key);
    } catch (thrown) {
      if (!isLost(thrown)) throw thrown;
      await closeQuietly(opened.session);
      opened = undefined;
    }
    opened = await open();
    return work(opened.session, opened.key);
  };
  return {
    use: (work) => {
      const mine = last.then(() => once(work));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** INVARIANT: a PIN that was refused is not sent again as long as the process runs; three of them lock most tokens. */
function opener<K>(place: TokenPlace, prepare: Prepare<K>) {
  let refused: Fault | undefined;
  return async () => {
    if (refused !== undefined) throw refused;
    const session = await openSession(place, CKF.serialSession);
    try {
      return { session, key: await prepare(session) };
    } catch (thrown) {
      await closeQuietly(session);
      throw thrown;
    }
  };

  async function openSession(at: TokenPlace, flags: bigint): Promise<Session> {
    try {
      return await loggedIn(at, flags);
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.detail["pin"] === "refused") refused = thrown;
      throw thrown;
    }
  }
}

/** A session of its own, for as long as `work` takes. @throws {@link Fault} `kek/unavailable`. */
export async function withSession<T>(place: TokenPlace, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await loggedIn(place, CKF.serialSession | CKF.readWrite);
  try {
    return await work(session);
  } finally {
    await closeQuietly(session);
  }
}

async function loggedIn({ module: path, token, pin }: TokenPlace, flags: bigint): Promise<Session> {
  const module = await loadModule(path);
  const { slot, flags: tokenFlags } = await slotOf(token, module);
  refuseLastTry(token, tokenFlags);
  const handle = allocated(8);
  expectOk("C_OpenSession", await module("C_OpenSession", slot, flags, 0n, 0n, handle));
  const session = { module, handle: wordAt(handle, 0) };
  const own = copied(pin);
  const answered = await module("C_Login", session.handle, CKU_USER, own, BigInt(pin.length));
  zeroize(own);
  if (answered === CKR.ok || answered === CKR.alreadyLoggedIn) return session;
  await closeQuietly(session);
  throw refusedLogin(token, answered);
}

/** INVARIANT: the last try is a person's. A service that restarts by itself would lock the token, and with it every secret. */
export function refuseLastTry(token: string, flags: bigint): void {
  if ((flags & CKF.locked) !== 0n) throw unavailable(token, "is locked: its PIN was wrong too often");
  if ((flags & CKF.finalTry) === 0n) return;
  throw unavailable(
    token,
    "locks at one more wrong PIN: log in by hand with the right one, then start the broker",
  );
}

function refusedLogin(token: string, answered: bigint): Fault {
  const isPin = answered === CKR.pinIncorrect || answered === CKR.pinLocked;
  if (!isPin) return unavailable(token, `takes no login (it answered 0x${answered.toString(16)})`);
  const sentence =
    answered === CKR.pinLocked
      ? "is locked: its PIN was wrong too often"
      : "refused the PIN, which is not tried again: put the right one in its place before you start again";
  return unavailable(token, sentence, { pin: "refused" });
}

const MOST_SLOTS = 1024;
const LABEL_SIZE = 32;
/** CK_TOKEN_INFO: label, manufacturer, model and serial number, flags, ten numbers, two versions and a time. */
const INFO_SIZE = 208;
const INFO_FLAGS = 96;

async function slotOf(
  token: string,
  module: Pkcs11Module,
): Promise<{ readonly slot: bigint; readonly flags: bigint }> {
  const found: { readonly slot: bigint; readonly flags: bigint }[] = [];
  for (const slot of await slotsOf(module)) {
    const memory = allocated(INFO_SIZE);
    if ((await module("C_GetTokenInfo", slot, memory)) !== CKR.ok) continue; // in order: few, and one may have gone
    const label = parseUtf8(memory.subarray(0, LABEL_SIZE))?.trimEnd();
    if (label === token) found.push({ slot, flags: wordAt(memory, INFO_FLAGS) });
  }
  const [one, another] = found;
  if (one === undefined) {
    throw unavailable(token, "is not there: is it plugged in, and is this its label?", { found: 0 });
  }
  if (another !== undefined) {
    throw unavailable(token, "is there twice: give one of the two another label", { found: found.length });
  }
  return one;
}

async function slotsOf(module: Pkcs11Module): Promise<readonly bigint[]> {
  const count = allocated(8);
  expectOk("C_GetSlotList", await module("C_GetSlotList", 1n, 0n, count));
  const most = wordAt(count, 0) < MOST_SLOTS ? Number(wordAt(count, 0)) : MOST_SLOTS;
  const slots = allocated(8 * most);
  if (most === 0) return [];
  expectOk("C_GetSlotList", await module("C_GetSlotList", 1n, slots, count));
  const given = wordAt(count, 0) < most ? Number(wordAt(count, 0)) : most;
  return Array.from({ length: given }, (_, i) => wordAt(slots, 8 * i));
}

/** @throws {@link Fault} `kek/unavailable` unless the answer is CKR_OK. */
export function expectOk(name: FunctionName, answered: bigint): void {
  if (answered === CKR.ok) return;
  const returned = `0x${answered.toString(16)}`;
  throw new Fault("kek/unavailable", `the token answered ${name} with ${returned}`, { name, returned });
}

/** Whether the session was lost, and another may do. */
function isLost(thrown: unknown): boolean {
  return (
    thrown instanceof Fault && LOST.some((code) => thrown.detail["returned"] === `0x${code.toString(16)}`)
  );
}

async function closeQuietly({ module, handle }: Session): Promise<void> {
  await module("C_CloseSession", handle); // where it is gone already, that is what was wanted
}

function unavailable(token: string, sentence: string, detail: FaultDetail = {}): Fault {
  return new Fault("kek/unavailable", `the token \`${token}\` ${sentence}`, { token, ...detail });
}
