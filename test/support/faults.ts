/** Which code does a refusal have? */
import { isFault } from "../../src/base/fault.ts";

/** The code of the fault that a call throws; `undefined` when it throws none. Anything else that is thrown goes on. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

/** As {@link codeOf}, of a promise. */
export async function codeOfPromise(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}
