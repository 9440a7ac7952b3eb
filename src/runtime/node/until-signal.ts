/** How long does a program stay that serves? Until a signal ends it. */

/** Until the process is told to end. */
export function untilSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => done());
  });
}
