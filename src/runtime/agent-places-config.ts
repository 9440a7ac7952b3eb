/** To whom does the daemon give secrets by files and credentials? `[[credential]]` and `[[file]]`. */
import * as v from "valibot";
import type { CredentialPlan } from "../agent/credential-door.ts";
import type { ChangeAction } from "../agent/on-change.ts";
import { type SecretFormat, secretFormatOf } from "../agent/secret-format.ts";
import { isSecretPath } from "../wire/resource-path.ts";
import { duration, isEachOnce, path, table, whole } from "./config-fields.ts";

const secret = v.pipe(v.string(), v.check(isSecretPath, "the path of a secret in normal form"));
const format = v.pipe(
  v.string(),
  v.rawTransform<string, SecretFormat>(({ dataset, addIssue, NEVER }) => {
    const known = secretFormatOf(dataset.value);
    if (known !== undefined) return known;
    addIssue({ message: "raw, hex, base64 or json:NAME" });
    return NEVER;
  }),
);
/** Of secrets, others than owner and group have none. */
const mode = v.pipe(
  v.string(),
  v.regex(/^0?[0-7][0-7]0$/, "a mode that leaves nothing to others, as 0640"),
  v.transform((text) => Number.parseInt(text, 8)),
);
const account = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_][\w.-]{0,63}$/, "the name or number of an account"));

export const RIGHTS = { mode: v.optional(mode), owner: v.optional(account), group: v.optional(account) };

export const AGENT_CREDENTIALS = v.pipe(
  v.array(
    table({
      socket: path,
      secret,
      version: v.optional(whole(1, 2_147_483_647)),
      format: v.optional(format, "raw"),
      ...RIGHTS,
    }),
  ),
  v.check((list) => isEachOnce(list.map(({ socket }) => socket)), "each `socket` once"),
);

const SIGNALS = ["HUP", "USR1", "USR2", "TERM", "INT", "QUIT", "WINCH"] as const;

const onChange = v.pipe(
  table({
    command: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.minLength(1))),
    signal: v.optional(v.picklist(SIGNALS)),
    pid_file: v.optional(path),
  }),
  v.check(
    (read) =>
      (read.command !== undefined) !== (read.signal !== undefined) &&
      (read.signal !== undefined) === (read.pid_file !== undefined),
    "`command`, or `signal` with `pid_file`",
  ),
);

export const AGENT_FILES = v.pipe(
  v.array(
    v.pipe(
      table({
        path,
        secret: v.optional(secret),
        format: v.optional(format),
        template: v.optional(v.pipe(v.string(), v.maxLength(65_536))),
        template_file: v.optional(path),
        refresh: v.optional(v.union([duration(1, 2_592_000), v.literal("never")]), "5m"),
        on_change: v.optional(onChange),
        ...RIGHTS,
      }),
      v.check(
        ({ secret: one, template, template_file: file }) =>
          [one, template, file].filter((said) => said !== undefined).length === 1,
        "one of `secret`, `template` and `template_file`",
      ),
      v.check(
        (read) => read.format === undefined || read.secret !== undefined,
        "`format` with `secret` only: a template names one for each",
      ),
    ),
  ),
  v.check((list) => isEachOnce(list.map((read) => read.path)), "each `path` once"),
);

/** Accounts as they are written: which numbers they have, the machine says. */
export interface NamedRights {
  readonly mode?: number;
  readonly owner?: string;
  readonly group?: string;
}

export type CredentialConfig = Omit<CredentialPlan, "rights"> & { readonly rights: NamedRights };

export interface FileConfig {
  readonly path: string;
  /** What stands in it: one secret, a template, or the file that holds one. */
  readonly content:
    | { readonly secret: string; readonly format: SecretFormat }
    | { readonly template: string }
    | { readonly templateFile: string };
  readonly rights: NamedRights;
  readonly refreshMs: number | undefined;
  readonly onChange?: ChangeAction;
}

type At = (path: string) => string;

export function credentialConfigsOf(
  read: v.InferOutput<typeof AGENT_CREDENTIALS>,
  at: At,
): readonly CredentialConfig[] {
  return read.map((one) => ({
    socket: at(one.socket),
    path: one.secret,
    ...(one.version === undefined ? {} : { version: one.version }),
    format: one.format,
    rights: rightsOf(one),
  }));
}

export function fileConfigsOf(read: v.InferOutput<typeof AGENT_FILES>, at: At): readonly FileConfig[] {
  return read.map((one) => ({
    path: at(one.path),
    content: contentOf(one, at),
    rights: rightsOf(one),
    refreshMs: one.refresh === "never" ? undefined : one.refresh * 1000,
    ...(one.on_change === undefined ? {} : { onChange: actionOf(one.on_change, at) }),
  }));
}

/** Exactly one of the three is there: the schema saw to it. */
function contentOf(read: v.InferOutput<typeof AGENT_FILES>[number], at: At): FileConfig["content"] {
  if (read.secret !== undefined) return { secret: read.secret, format: read.format ?? "raw" };
  if (read.template_file !== undefined) return { templateFile: at(read.template_file) };
  return { template: read.template ?? "" };
}

function actionOf(read: v.InferOutput<typeof onChange>, at: At): ChangeAction {
  const { command: [program = "", ...words] = [], signal, pid_file: pidFile = "" } = read;
  return signal === undefined
    ? { command: [program, ...words] }
    : { signal: `SIG${signal}`, pidFile: at(pidFile) };
}

export function rightsOf({
  mode: bits,
  owner,
  group,
}: {
  mode?: number | undefined;
  owner?: string | undefined;
  group?: string | undefined;
}): NamedRights {
  return {
    ...(bits === undefined ? {} : { mode: bits }),
    ...(owner === undefined ? {} : { owner }),
    ...(group === undefined ? {} : { group }),
  };
}
