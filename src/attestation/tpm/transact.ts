/** How does a command get to a TPM? The way there is opened by the platform and handed to whoever has something to ask. */

/**
 * One command, and the answer to it, whole as it came: hostile until it is parsed. A TPM that says so is asked again, a few times.
 *
 * Throws a {@link Fault} `tpm/unavailable` or `tpm/malformed`.
 */
export type Transact = (command: Uint8Array) => Promise<Uint8Array>;

/**
 * Opens a TPM for as long as `work` takes: emulators and raw devices serve one at a time.
 *
 * Throws a {@link Fault} `tpm/unavailable`; `config/invalid` for what is no place of a TPM.
 */
export type WithTpm = <T>(device: string, work: (transact: Transact) => Promise<T>) => Promise<T>;
