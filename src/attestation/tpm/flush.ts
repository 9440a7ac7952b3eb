/** How does a TPM get its few places back? What was loaded is flushed however the work with it ends. */
import { u32be } from "../../base/bytes.ts";
import { ask } from "./command.ts";
import type { Transact } from "./transact.ts";

export async function flushed<T>(handle: number, tpm: Transact, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    // Where even this fails, what `work` threw says why.
    await ask({ name: "flushContext", handles: [], parameters: u32be(handle) }, tpm).catch(() => undefined);
  }
}
