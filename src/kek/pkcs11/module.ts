/** How is a PKCS#11 module called? By the table of functions that it hands out, off the event loop, on 64-bit Linux and its kin. */
import { arch, platform } from "node:process";
import koffi, { type LibraryHandle } from "koffi";
import { Fault } from "../../base/fault.ts";
import { addressOf, allocated, wordAt } from "./memory.ts";
import { CKF, CKR, FUNCTIONS, type FunctionName } from "./words.ts";

type KoffiFunction = ReturnType<LibraryHandle["func"]>;

/** A word is a number, a handle, or memory that is passed by its address. */
export type Argument = bigint | Uint8Array;

/** Calls one function and answers its CK_RV. What it is given stays where it is until it has answered. */
export type Pkcs11Module = (name: FunctionName, ...words: readonly Argument[]) => Promise<bigint>;

/** Where CK_ULONG and a pointer are words of eight bytes, little-endian, and structures have no packing of their own. */
const IS_KNOWN_MACHINE = platform !== "win32" && (arch === "x64" || arch === "arm64");

/**
 * Loads a module and makes it ready to be called by several threads. One that is loaded already stays as it is.
 *
 * @throws {@link Fault} `kek/unavailable`.
 */
export async function loadModule(path: string): Promise<Pkcs11Module> {
  const library = LOADED.get(path) ?? libraryOf(path);
  LOADED.set(path, library);
  const call = functionsOf(tableOf(library, path), path);
  const answered = await call("C_Initialize", initializeArguments());
  if (answered === CKR.ok || answered === CKR.alreadyInitialized) return call;
  throw unusable(path, `does not begin (it answered 0x${answered.toString(16)})`);
}

/** INVARIANT: a library is never let go of. The engine would unload it once nothing names it, with calls under way. */
const LOADED = new Map<string, LibraryHandle>();

function libraryOf(path: string): LibraryHandle {
  if (!IS_KNOWN_MACHINE) throw unusable(path, "is used on x86-64 and ARM64 only, and not on Windows");
  try {
    return koffi.load(path);
  } catch {
    throw unusable(path, "cannot be loaded: is it there, and a library of this machine?");
  }
}

/** The address of CK_FUNCTION_LIST, by the only function that a module must export. */
function tableOf(library: LibraryHandle, path: string): bigint {
  const list = allocated(8);
  try {
    const answered: unknown = library.func("C_GetFunctionList", "uint64", ["uint64"])(addressOf(list));
    const table = wordAt(list, 0);
    if (Number(answered) === 0 && table !== 0n) return table;
  } catch {
    throw unusable(path, "is no module of PKCS#11: it has no C_GetFunctionList");
  }
  throw unusable(path, "hands out no functions");
}

/** CK_VERSION stands first, padded to a word; then the functions. */
function functionsOf(table: bigint, path: string): Pkcs11Module {
  const words = new Uint8Array(koffi.view(table, 8 * 64)).slice();
  const known = new Map<FunctionName, KoffiFunction>();
  return async (name, ...given) => {
    const { at, takes } = FUNCTIONS[name];
    const pointer = wordAt(words, 8 * (at + 1));
    if (pointer === 0n || given.length !== takes) throw unusable(path, `has no ${name}`);
    const callee = known.get(name) ?? functionAt(pointer, takes);
    known.set(name, callee);
    return called(callee, given);
  };
}

/** Every argument is one word: a pointer and a number go the same way into a function of C on these machines. */
function functionAt(pointer: bigint, takes: number): KoffiFunction {
  const words = Array.from({ length: takes }, () => "uint64");
  return koffi.decode(pointer, koffi.proto("uint64", words));
}

function called(callee: KoffiFunction, given: readonly Argument[]): Promise<bigint> {
  const words = given.map((one) => (typeof one === "bigint" ? one : addressOf(one)));
  return new Promise((answered, failed) => {
    callee.async(...words, (thrown: unknown, value: number | bigint) => {
      // INVARIANT: `given` is named here, so that its memory outlives the call.
      if (given.length > 0 && thrown !== null && thrown !== undefined) failed(thrown);
      else answered(BigInt(value));
    });
  });
}

/** Four functions for locks that we do not bring, CKF_OS_LOCKING_OK, and a reserved word. */
function initializeArguments(): Uint8Array {
  const memory = allocated(6 * 8);
  new DataView(memory.buffer).setBigUint64(4 * 8, CKF.osLocking, true);
  return memory;
}

function unusable(path: string, sentence: string): Fault {
  return new Fault("kek/unavailable", `the PKCS#11 module \`${path}\` ${sentence}`, { module: path });
}
