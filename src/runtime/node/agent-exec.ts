/** How does `ostiary agent exec` run? Secrets first, then the program with them; another version is one more turn of both. */
import { join } from "node:path";
import { env, getuid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { childEnvironment } from "../../agent/on-change.ts";
import { makePrivateFolder, type PrivateFolder } from "../../agent/private-folder.ts";
import { asText, inFormat, type SecretFormat, secretFormatOf } from "../../agent/secret-format.ts";
import type { HeldSecret } from "../../agent/secret-source.ts";
import { type Supervised, supervise } from "../../agent/supervise.ts";
import { placeInTmpfs } from "../../agent/tmpfs-file.ts";
import { watchSecrets } from "../../agent/watch.ts";
import { Fault } from "../../base/fault.ts";
import { sayTo } from "../../cli/agent-place.ts";
import type { AgentOptions } from "../../cli/agent-session.ts";
import { Misuse, type Terminal } from "../../cli/command.ts";
import type { ExecPlan, NamedSecret } from "../../cli/commands/agent-exec.ts";
import { createSource } from "./agent-source.ts";
import type { NodeAgentParts } from "./agent-way.ts";
import { systemNow } from "./clock.ts";

const GRACE_MS = 10_000;

/** @throws {@link Fault} what kept the program from starting; {@link Misuse} for a form that there is not. */
export async function execProgram(
  plan: ExecPlan,
  options: AgentOptions,
  { parts, terminal }: { readonly parts: NodeAgentParts; readonly terminal: Terminal },
): Promise<number> {
  const [asEnv, asFiles] = [plan.env.map(formed), plan.files.map(formed)];
  const stop = new AbortController();
  const nothing = (): undefined => undefined;
  const heard = { onWait: sayTo(terminal), onRead: nothing, onReport: nothing, onRenewal: nothing };
  const eyes = { ...heard, signal: stop.signal };
  const source = await createSource(options, parts, eyes, { readsOnce: plan.onChange === "none" });
  const folder = asFiles.length === 0 ? undefined : await makePrivateFolder(runFolderOf(plan));
  const paths = [...new Set([...asEnv, ...asFiles].map(({ path }) => path))];
  try {
    const first = new Map<string, HeldSecret>();
    for (const held of await Promise.all(paths.map(source.readAnew))) first.set(held.path, held);
    const given = createGiven(asEnv, asFiles, folder);
    await given.take(first);
    const program = supervise(
      { command: plan.command, restarts: plan.restarts, graceMs: GRACE_MS },
      { environment: given.environment, sleep: (time) => sleep(time), isTty: process.stdin.isTTY === true },
    );
    const watching = watchSecrets(
      { paths, refreshMs: plan.onChange === "none" ? undefined : plan.refreshSeconds * 1000, first },
      {
        readAnew: source.readAnew,
        sleep: (time) => sleep(time, undefined, { signal: stop.signal }).catch(() => undefined),
        random: Math.random,
        now: systemNow,
        signal: stop.signal,
        onSecrets: async (secrets) => {
          if (plan.onChange === "none") return;
          await given.take(secrets);
          changed(plan.onChange, program);
        },
        onLook: () => undefined,
        onTrouble: ({ code }, time) =>
          terminal.err(`ostiary: ${code}; looking again in ${(time / 1000).toFixed(1)} s\n`),
      },
    );
    const status = await program.ended.finally(() => stop.abort());
    await watching;
    return status;
  } finally {
    stop.abort();
    await folder?.remove();
    await source.close();
  }
}

function changed(onChange: Exclude<ExecPlan["onChange"], "none">, program: Supervised): void {
  if (onChange === "restart") program.restart();
  else program.signal(onChange as NodeJS.Signals);
}

interface Formed {
  readonly name: string;
  readonly path: string;
  readonly format: SecretFormat;
}

function formed({ name, path, format: word }: NamedSecret): Formed {
  const format = secretFormatOf(word);
  if (format !== undefined) return { name, path, format };
  throw new Misuse(`expected the format raw, hex, base64 or json:NAME for ${name}`);
}

/** What the program is given: variables of it alone, and paths of its files. */
function createGiven(
  asEnv: readonly Formed[],
  asFiles: readonly Formed[],
  folder: PrivateFolder | undefined,
) {
  let variables: Readonly<Record<string, string>> = {};
  const paths = Object.fromEntries(asFiles.map(({ name }) => [name, join(folder?.path ?? "", name)]));
  return {
    environment: () => ({ ...childEnvironment(env), ...variables, ...paths }),
    take: async (secrets: ReadonlyMap<string, HeldSecret>): Promise<void> => {
      variables = Object.fromEntries(asEnv.map((one) => [one.name, withBytes(one, secrets, asText)]));
      for (const one of asFiles) {
        await withBytes(one, secrets, (bytes) => placed(paths[one.name] ?? "", bytes)); // in order
      }
    },
  };
}

async function placed(path: string, bytes: Uint8Array): Promise<void> {
  const own = bytes.slice();
  try {
    await placeInTmpfs(path, own);
  } finally {
    own.fill(0);
  }
}

function withBytes<T>(
  { path, format }: Formed,
  secrets: ReadonlyMap<string, HeldSecret>,
  use: (bytes: Uint8Array) => T,
): T {
  const held = secrets.get(path);
  if (held === undefined) throw new Fault("internal/invariant", "a name of a secret that was not read");
  const bytes = inFormat(held.secret, format);
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** In tmpfs, and this user's alone. */
function runFolderOf({ runFolder }: ExecPlan): string {
  if (runFolder !== undefined) return runFolder;
  const { XDG_RUNTIME_DIR: own } = env;
  if (getuid?.() === 0) return "/run/ostiary-exec"; // not below /run/ostiary, which goes with the daemon
  return own === undefined ? `/dev/shm/ostiary-${getuid?.() ?? "user"}` : join(own, "ostiary-exec");
}
