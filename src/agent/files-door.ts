/** How do secrets become files of this guest, and stay those of today? Rendered in tmpfs, replaced when a secret is another, gone at the end. */
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Instant } from "../base/time.ts";
import { inFormat } from "./secret-format.ts";
import type { Door, HeldSecret, SecretSource } from "./secret-source.ts";
import { rendered, type SecretPlace, type TemplatePart } from "./template.ts";
import { type FileRights, placeInTmpfs, removePlaced } from "./tmpfs-file.ts";
import { watchSecrets } from "./watch.ts";

export interface FilePlan {
  readonly path: string;
  readonly parts: readonly TemplatePart[];
  readonly rights: FileRights;
  readonly refreshMs: number | undefined;
  /** Done after each replacement; not after the first writing, when nobody has read it yet. */
  readonly onChange?: () => Promise<void>;
}

/** How a file is: for health, by its place in the configuration. */
export type FileState = "waiting" | "current" | "stale";

export interface FilesParts {
  readonly now: () => Instant;
  readonly random: () => number;
  readonly onState: (index: number, state: FileState, code?: string) => void;
}

/** One door for all files: what a killed agent left of any of them goes before one is asked for. */
export function createFilesDoor(plans: readonly FilePlan[], parts: FilesParts): Door {
  return {
    name: "files",
    open: async (source, { log, signal }) => {
      await Promise.all(plans.map(({ path }) => removePlaced(path)));
      const stop = new AbortController();
      const ended = AbortSignal.any([signal, stop.signal]);
      const files = plans.map((plan, index) =>
        keptFile(plan, { ...parts, index, source, log, signal: ended }),
      );
      const close = async (): Promise<void> => {
        stop.abort();
        await Promise.all(files.map(({ done }) => done));
        await Promise.all(plans.map(({ path }) => removePlaced(path)));
      };
      await Promise.all(files.map(({ first }) => first));
      return { close };
    },
  };
}

interface Keeping extends FilesParts {
  readonly index: number;
  readonly source: SecretSource;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** `first` comes with the first writing, or with the end. */
function keptFile(
  plan: FilePlan,
  keeping: Keeping,
): { readonly first: Promise<void>; readonly done: Promise<void> } {
  const { index, source, log, signal, now, random, onState } = keeping;
  const paths = [...new Set(placesIn(plan.parts).map(({ path }) => path))];
  let isThere = false;
  onState(index, "waiting");
  const written = Promise.withResolvers<void>();
  const onSecrets = async (secrets: ReadonlyMap<string, HeldSecret>): Promise<void> => {
    await write(plan, secrets);
    if (isThere) {
      log("info", "file-replaced", { file: plan.path });
      await plan.onChange?.();
    }
    isThere = true;
    written.resolve();
  };
  const done = watchSecrets(
    { paths, refreshMs: plan.refreshMs },
    {
      readAnew: source.readAnew,
      sleep: (time) => sleep(time, undefined, { signal }).catch(() => undefined),
      random,
      now,
      signal,
      onSecrets,
      onLook: () => onState(index, "current"),
      onTrouble: (fault, milliseconds) => {
        onState(index, isThere ? "stale" : "waiting", fault.code);
        log("warn", "file-waits", troubleOf(plan, fault, milliseconds));
      },
    },
  ).finally(written.resolve);
  return { first: written.promise, done };
}

function troubleOf({ path: file }: FilePlan, { code, detail, message }: Fault, milliseconds: number) {
  const { id } = detail;
  return {
    file,
    code,
    reason: message,
    milliseconds: Math.round(milliseconds),
    ...(id === undefined ? {} : { decision: id }),
  };
}

async function write(plan: FilePlan, secrets: ReadonlyMap<string, HeldSecret>): Promise<void> {
  const bytes = rendered(plan.parts, (place) => secretFor(place, secrets));
  try {
    await placeInTmpfs(plan.path, bytes, plan.rights);
  } finally {
    bytes.fill(0);
  }
}

function secretFor({ path, format }: SecretPlace, secrets: ReadonlyMap<string, HeldSecret>): Uint8Array {
  const held = secrets.get(path);
  if (held === undefined)
    throw new Fault("internal/invariant", "a template names a secret that was not read");
  return inFormat(held.secret, format);
}

function placesIn(parts: readonly TemplatePart[]): readonly SecretPlace[] {
  return parts.filter((part) => typeof part !== "string");
}
