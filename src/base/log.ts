/** What may be logged? An event name and flat scalars: never bytes, never a secret. */

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one structured line. The clock and the sink belong to the runtime that makes it. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;
