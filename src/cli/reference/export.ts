/** `ostiary reference export`: reference sets and floors of Writ as a CoRIM, for verifiers that are not Ostiary. */
import { hexOf } from "../../base/bytes.ts";
import { formatInstant, type Instant, instant } from "../../base/time.ts";
import { plainLine } from "../../reference/carried.ts";
import type { SigningKey } from "../../reference/sign1.ts";
import type { TcbName } from "../../reference/snp-profile.ts";
import { makeCorim, type Statement } from "../../reference/to-corim.ts";
import type { Entry, Program, Refset } from "../../writ/program.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { windowOf } from "../window.ts";
import { compileFiles, tellDiagnostics } from "../writ/compile-files.ts";
import type { ReferenceEdges } from "./edges.ts";

const OPTIONS = {
  refset: { type: "string", multiple: true },
  floor: { type: "string", multiple: true },
  out: { type: "string" },
  sign: { type: "string" },
  unsigned: { type: "boolean" },
  signer: { type: "string" },
  id: { type: "string" },
  valid: { type: "string" },
} as const;

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>["values"];
type Window = Statement["window"];

const TCBS: readonly TcbName[] = ["current", "reported", "committed", "launch"];

export async function exportReference(
  args: readonly string[],
  edges: ReferenceEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const { out, sign, unsigned } = values;
  if (out === undefined) throw new Misuse("expected --out FILE");
  if ((sign === undefined) !== (unsigned === true)) throw new Misuse("expected --sign KEY or --unsigned");
  const compiled = await compileFiles(positionals, undefined, { terminal, ...edges });
  if (compiled.program === undefined) {
    tellDiagnostics(compiled, terminal, "text");
    return 1;
  }
  const left: string[] = [];
  const statement = statementOf(compiled.program, { values, now: edges.now(), left });
  const key = sign === undefined ? undefined : await edges.readKey(sign, terminal);
  const { bytes, notes } = await makeCorim(statement, key, edges.primitives);
  for (const note of [...left, ...notes]) terminal.err(`not carried over: ${plainLine(note)}\n`);
  await terminal.writeFile(out, bytes, 0o644);
  terminal.out(`${out}  sha256:${sha256Of(bytes, edges)}  ${signerText(key, edges)}\n`);
  return 0;
}

function signerText(key: SigningKey | undefined, edges: ReferenceEdges): string {
  return key === undefined ? "signed by nobody" : `key sha256:${sha256Of(key.spki, edges)}`;
}

function sha256Of(bytes: Uint8Array, { primitives }: ReferenceEdges): string {
  return hexOf(primitives.digest("sha256", bytes));
}

interface Wish {
  readonly values: Values;
  readonly now: Instant;
  /** Takes what was left out, in words. */
  readonly left: string[];
}

function statementOf(program: Program, { values, now, left }: Wish): Statement {
  const wanted = (values.refset ?? []).map((name) => only(program.refsets, name, "--refset"));
  const floors = (values.floor ?? []).map((text) => floorOf(program, text));
  const [first] = [...wanted, ...floors.map(({ floor }) => floor)];
  if (first === undefined) throw new Misuse("expected --refset NAME or --floor NAME=reported");
  const asked = values.valid === undefined ? undefined : windowOf(values.valid, now);
  const window = asked ?? windowIn(wanted);
  const sets = asked === undefined ? wanted : wanted.map((set) => entriesIn(set, asked, left));
  const version = program.modules.find(({ name }) => name === first.module)?.version;
  const signer = values.signer ?? wanted.find(({ owner }) => owner !== undefined)?.owner;
  if (signer === undefined) throw new Misuse("expected --signer NAME: no set that is exported has an owner");
  return {
    id: values.id ?? `ostiary:${first.module}${version === undefined ? "" : `:${version}`}`,
    signer,
    sets,
    floors,
    ...(window === undefined ? {} : { window }),
  };
}

function entriesIn(set: Refset, { from, to }: NonNullable<Window>, left: string[]): Refset {
  const isIn = ({ valid }: Entry) => valid?.from === from && valid.to === to;
  for (const entry of set.entries)
    if (!isIn(entry)) left.push(`"${entry.label}" of ${set.name}: it holds in another window`);
  return { ...set, entries: set.entries.filter(isIn) };
}

function only<T extends { readonly name: string }>(all: readonly T[], name: string, option: string): T {
  const [found, ...others] = all.filter((one) => one.name === name);
  if (found !== undefined && others.length === 0) return found;
  throw new Misuse(`expected ${option} as the name of one in the files, received \`${name}\``);
}

function floorOf(program: Program, text: string): Statement["floors"][number] {
  const [, name = "", word = ""] = /^([^=]+)=(\w+)$/.exec(text) ?? [];
  const tcb = TCBS.find((known) => known === word);
  if (tcb === undefined) throw new Misuse(`expected --floor NAME=${TCBS.join("|")}, received \`${text}\``);
  return { floor: only(program.floors, name, "--floor"), tcb };
}

/** A CoRIM has one validity: entries of several windows are for several CoRIMs. */
function windowIn(sets: readonly Refset[]): Window {
  const live = sets.flatMap(({ entries }) => entries.filter(({ state }) => state !== "revoked"));
  const [window, ...others] = new Set(live.map(windowText));
  if (others.length > 0) {
    const all = [window, ...others].join(", ");
    throw new Misuse(`expected entries of one window, received ${all}: --valid names one of them`);
  }
  const [first] = live;
  if (first?.valid === undefined) return undefined;
  if (first.valid.to === undefined)
    throw new Misuse("expected a window with an end: a CoRIM has to have one");
  return { from: instant(first.valid.from), to: instant(first.valid.to) };
}

function windowText({ valid }: Entry): string {
  if (valid === undefined) return "none";
  const [from, to] = [valid.from, valid.to].map((at) =>
    at === undefined ? "" : formatInstant(instant(at)).replace("T00:00:00Z", ""),
  );
  return `${from}..${to}`;
}
