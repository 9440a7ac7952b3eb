/** Where does the configuration say that the root key-encryption key is? In a file, a credential of systemd, or a variable. */
import * as v from "valibot";

export type KekConfig =
  /** 32 bytes that their owner alone can read; relative to the configuration. */
  | { readonly kind: "file"; readonly path: string }
  /** 32 bytes that systemd put below `$CREDENTIALS_DIRECTORY` under this name. */
  | { readonly kind: "credential"; readonly name: string }
  /** 64 hexadecimal digits in the environment variable of this name. */
  | { readonly kind: "environment"; readonly name: string };

/** `[kek]`, in place of `files.kek`: one provider. */
export const KEK = v.pipe(
  v.objectWithRest(
    {
      credential: v.optional(
        v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-][\w.-]{0,254}$/, "the name of a credential")),
      ),
      environment: v.optional(
        v.pipe(v.string(), v.regex(/^[A-Z_][A-Z0-9_]{0,254}$/, "the name of an environment variable")),
      ),
    },
    v.never("no such member"),
  ),
  v.check((read) => Object.keys(read).length === 1, "either `credential` or `environment`"),
);

/** Exactly one of the three is there: the schema saw to it. */
export function kekConfigOf(path = "", read: v.InferOutput<typeof KEK> = {}): KekConfig {
  if (read.credential !== undefined) return { kind: "credential", name: read.credential };
  if (read.environment !== undefined) return { kind: "environment", name: read.environment };
  return { kind: "file", path };
}
