/** What do a Trustee's policies say in Writ? One policy for each way in, what could not be carried over, and never more than was allowed. */
import { formatSource } from "../../writ/formatting/format.ts";
import { affirming, vectorCondition } from "./appraisal.ts";
import type { Tee } from "./claims.ts";
import { any, type Condition, isIdentifying, surely, withFile } from "./condition.ts";
import { bodyCondition } from "./evaluate.ts";
import { alternativesOf } from "./path.ts";
import { type PolicyBlock, policyText } from "./policy-text.ts";
import { type ReferenceSets, referenceSets } from "./reference-sets.ts";
import type { ReferenceValues } from "./reference-values.ts";
import { parseRego } from "./rego-parser.ts";
import type { RegoPolicy, RegoRule } from "./rego-tree.ts";
import type { Sym } from "./symbols.ts";
import type { Context } from "./terms.ts";
import { evidenceMember, type Token, teeMember, tokenMember } from "./trees.ts";

/** A source as it is called, and its text. */
export interface TrusteeSource {
  readonly file: string;
  readonly text: string;
}

export interface TrusteePolicies {
  readonly resource: TrusteeSource;
  /** Of the attestation service: what `affirming` means. */
  readonly attestation: TrusteeSource | undefined;
  readonly references: ReferenceValues;
}

/** What could not be carried over, and what was added. */
export interface ImportNote {
  readonly file: string;
  /** From 1; 0 for the whole of it. */
  readonly line: number;
  readonly why: string;
}

export interface Imported {
  /** A module of Writ, formatted; without policies where nothing was carried over. */
  readonly text: string;
  readonly policies: number;
  readonly left: readonly ImportNote[];
}

const TEES: readonly Tee[] = ["snp", "az-snp-vtpm"];

/** Translates. Total: whatever the sources hold, the answer is a module that compiles, and what is missing in it. */
export function importTrustee({ resource, attestation, references }: TrusteePolicies): Imported {
  const notes = notesOf();
  const rego = parseRego(resource.text);
  for (const { line, why } of rego.opaque) notes.tell({ file: resource.file, line, why });
  const rules = allowRules(rego, resource.file, notes);
  const service = attestation && { file: attestation.file, policy: parseRego(attestation.text) };
  const sets = referenceSets(references, (why) => notes.tell({ file: "reference values", line: 0, why }));
  const processor = /\bcpu\b/.test(resource.text) && !resource.text.includes("cpu0") ? "cpu" : "cpu0";
  const contexts = TEES.map((tee) => tokenContext({ tee, policy: rego, service, sets, processor }));
  const blocks = rules.flatMap((rule) => {
    const told = notes.all().length;
    const own = contexts.flatMap((context) => blocksOf(rule, context, resource.file, notes));
    if (own.length === 0 && notes.all().length === told) {
      notes.tell({ file: resource.file, line: rule.line, why: "no guest of SEV-SNP satisfies it" });
    }
    return own;
  });
  const policies = unique(blocks).map((block, at) => policyText(block, at + 1));
  const text = ["writ 1", "module trustee version 1.0.0", ...sets.texts(), ...policies].join("\n\n");
  const { text: formatted = text } = formatSource("trustee.writ", text);
  return { text: formatted, policies: policies.length, left: notes.all() };
}

interface Notes {
  readonly tell: (note: ImportNote) => void;
  readonly all: () => readonly ImportNote[];
}

/** Each once, by file and line. */
function notesOf(): Notes {
  const told = new Map<string, ImportNote>();
  return {
    tell: (note) => told.set(`${note.file}\n${note.line}\n${note.why}`, note),
    all: () =>
      [...told.values()].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1)),
  };
}

/** The rules by which somebody is let in: none where one of them, or something unread, could say no to them. */
function allowRules({ rules, opaque }: RegoPolicy, file: string, { tell }: Notes): readonly RegoRule[] {
  const named = rules.filter(({ name }) => name === "allow");
  for (const rule of named.filter(({ isDefault }) => isDefault)) {
    if (!isConstant(rule, false))
      tell({ file, line: rule.line, why: "`default allow` is not false: nobody is let in by default here" });
  }
  const told = named.filter(({ isDefault }) => !isDefault);
  const odd = told.find((rule) => rule.params !== undefined || !isConstant(rule, true));
  if (odd !== undefined)
    tell({ file, line: odd.line, why: "`allow` has another value than true: then no rule counts" });
  if (opaque.length > 0)
    tell({ file, line: 0, why: "no rule counts, since what was not read may say no to it" });
  if (told.length === 0) tell({ file, line: 0, why: "no rule `allow` that lets anybody in" });
  return odd === undefined && opaque.length === 0 ? told : [];
}

function isConstant({ branches }: RegoRule, value: boolean): boolean {
  return branches.every((branch) => branch.value.kind === "constant" && branch.value.value === value);
}

/** The attestation service's policy, and how its file is called. */
interface Service {
  readonly file: string;
  readonly policy: RegoPolicy;
}

interface Plan {
  readonly tee: Tee;
  readonly policy: RegoPolicy;
  readonly service: Service | undefined;
  readonly sets: ReferenceSets;
  readonly processor: Token["processor"];
}

/** What a resource policy is given: a token whose verdict is that of the attestation policy. */
function tokenContext({ tee, policy, service, sets, processor }: Plan): Context {
  const verdict = (of: (context: Context) => Condition): Condition => {
    if (service === undefined) return { kind: "unclear", line: 0, why: WITHOUT_SERVICE };
    if (service.policy.opaque.length > 0)
      return { kind: "unclear", file: service.file, line: 0, why: OPAQUE };
    return withFile(of(evidenceContext(tee, service.policy, sets)), service.file);
  };
  const whole = (): Condition => verdict(affirming);
  const truth = (): Sym => ({ kind: "truth", condition: whole() });
  return {
    ...commonContext(tee, policy, sets),
    memberOf: (path, name) => tokenMember({ tee, processor, affirming: truth }, path, name),
    affirming: whole,
    vector: (claim, op, value) => verdict((context) => vectorCondition(claim, op, value, context)),
  };
}

/** What both kinds of policy are given. */
function commonContext(
  tee: Tee,
  policy: RegoPolicy,
  { references, inReferences }: ReferenceSets,
): Pick<Context, "tee" | "policy" | "references" | "inReferences" | "mayFollow"> {
  return {
    tee,
    policy,
    references,
    inReferences: (claim, values) => inReferences(tee, claim, values),
    mayFollow: budget(),
  };
}

const MAX_RULES = 2000;

function budget(): () => boolean {
  let left = MAX_RULES;
  return () => {
    left -= 1;
    return left >= 0;
  };
}

const WITHOUT_SERVICE =
  "what the attestation service calls affirming is not known: give its policy with --attestation";
const OPAQUE = "what was not read may change every verdict";

/** What an attestation policy is given: the claims, and no verdict yet. */
function evidenceContext(tee: Tee, policy: RegoPolicy, sets: ReferenceSets): Context {
  const none: Condition = { kind: "unclear", line: 0, why: "a verdict within the policy that makes it" };
  return {
    ...commonContext(tee, policy, sets),
    memberOf: (path, name) =>
      path.length === 0 ? evidenceMember(tee, name) : teeMember(tee, path.slice(1), name),
    affirming: () => none,
    vector: () => none,
  };
}

/** One rule, for guests of one kind: a policy for each path that it names. */
function blocksOf(rule: RegoRule, context: Context, file: string, { tell }: Notes): readonly PolicyBlock[] {
  const { tee } = context;
  const place = { file, line: rule.line };
  const condition = any(rule.branches.map(({ body }) => bodyCondition(body, context)));
  const sure = surely(condition, ({ file: own = file, line, why }) =>
    tell({ file: own, line: line === 0 && own === file ? rule.line : line, why }),
  );
  const alternatives = alternativesOf(sure, (why) => tell({ ...place, why }));
  if (alternatives === undefined) tell({ ...place, why: "more paths and ways than anybody would read" });
  return (alternatives ?? []).flatMap(({ path, when }) => {
    if (when.kind === "never") return [];
    if (isIdentifying(when)) return [{ ...place, tee, path, when }];
    tell({ ...place, why: NAMELESS[tee] });
    return [];
  });
}

const NAMELESS: Readonly<Record<Tee, string>> = {
  snp: "it names no measurement: every genuine guest of `snp` would be let in, whatever runs in it",
  "az-snp-vtpm": "it names no PCR: every genuine guest of `az-snp-vtpm` would be let in, whatever runs in it",
};

function unique(blocks: readonly PolicyBlock[]): readonly PolicyBlock[] {
  return [...new Map(blocks.map((block) => [JSON.stringify(block), block])).values()];
}
