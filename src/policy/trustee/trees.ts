/** What may policies of Trustee look at? The token that a resource policy is given, and the claims that an attestation policy is. */
import { claimAt, INIT_DATA, OTHER_TEES, type Tee } from "./claims.ts";
import { type Sym, unclearSym } from "./symbols.ts";

const tree = (...path: readonly string[]): Sym => ({ kind: "tree", path });

export interface Token {
  readonly tee: Tee;
  /** What the processor is called: `cpu` in older tokens. */
  readonly processor: "cpu0" | "cpu";
  readonly affirming: () => Sym;
}

/** `input` of a resource policy: an EAR token, whose one submodule is the processor. */
export function tokenMember(
  { tee, processor, affirming }: Token,
  path: readonly string[],
  name: string,
): Sym {
  const [first, ...rest] = path;
  switch (first) {
    case undefined:
      if (name === "submods" || name === "trust_context") return tree(name);
      break;
    case "submods":
      return name === processor ? tree("ear") : { kind: "absent" }; // nothing else is attested here
    case "trust_context":
      return contextMember(rest, name, affirming);
    case "ear":
      return earMember(name);
    case "vector":
      return { kind: "vector", claim: name };
    case "evidence":
      return evidenceMember(tee, name);
    case "tee":
      return teeMember(tee, rest, name);
  }
  return unclearSym(`the claim \`${name}\` is not carried over`);
}

function contextMember(path: readonly string[], name: string, affirming: () => Sym): Sym {
  if (path.length === 0 && name === "attestation_summary") return tree("trust_context", name);
  if (path.length === 1 && name === "verification_result") return affirming();
  if (path.length === 1 && name === "claims") return tree();
  return unclearSym(`\`trust_context\` is read for \`${name}\``);
}

function earMember(name: string): Sym {
  if (name === "ear.status") return { kind: "status" };
  if (name === "ear.trustworthiness-vector") return tree("vector");
  if (name === "ear.veraison.annotated-evidence") return tree("evidence");
  return unclearSym(`the claim \`${name}\` is not carried over`);
}

/** `input` of an attestation policy: the same claims, at the top. */
export function evidenceMember(tee: Tee, name: string): Sym {
  if (name === tee) return tree("tee");
  if (OTHER_TEES.has(name)) return { kind: "absent" };
  if (name === "init_data") return { kind: "claim", claim: INIT_DATA };
  return unclearSym(`the claim \`${name}\` is not carried over`);
}

/** Below the guest's own member; newer versions have `evidence` between. */
export function teeMember(tee: Tee, path: readonly string[], name: string): Sym {
  if (path.length === 0 && name === "evidence") return tree("tee");
  const whole = [...path, name];
  const claim = claimAt(tee, whole);
  if (claim === undefined) return unclearSym(`the claim \`${whole.join(".")}\` is not carried over`);
  return claim === "parent" ? tree("tee", ...whole) : { kind: "claim", claim };
}
