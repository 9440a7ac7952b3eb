/** What does a program see under which path of the Vault surface? Its mounts: secrets with a form of value each, and transit keys. */

/** How the bytes of a secret stand in the JSON that a program reads: consumers differ. */
export type ValueForm =
  /** One member, in this encoding; `text` is UTF-8. */
  | { readonly field: string; readonly encoding: "hex" | "base64" | "text" }
  /** The secret is the JSON object itself. */
  | { readonly encoding: "json" };

/** A key-value engine, version 2: what stands after the mount stands after `path` at the broker. */
export interface KvMount {
  readonly kind: "kv";
  /** As the program writes it: one or more segments. */
  readonly mount: string;
  readonly path: string;
  readonly form: ValueForm;
  /** Whether the program may write; then the names of its keys are kept beside them, so that it can list them. */
  readonly isWritable: boolean;
}

/** Keys of `path` that are used at the broker. */
export interface TransitMount {
  readonly kind: "transit";
  readonly mount: string;
  readonly path: string;
}

export type VaultMount = KvMount | TransitMount;

/** The mount that a path lies in, and what stands behind it: the longest that fits. */
export function mountOf<Mount extends VaultMount>(
  mounts: readonly Mount[],
  path: string,
): { readonly mount: Mount; readonly rest: string } | undefined {
  const fitting = mounts.filter(({ mount }) => path === mount || path.startsWith(`${mount}/`));
  const [mount] = fitting.sort((a, b) => b.mount.length - a.mount.length);
  return mount === undefined ? undefined : { mount, rest: path.slice(mount.mount.length + 1) };
}
