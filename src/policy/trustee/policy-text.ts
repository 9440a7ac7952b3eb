/** How is one way in written as a policy? What Trustee checked without being asked stands there in words. */
import type { Tee } from "./claims.ts";
import { type Condition, conditionText } from "./condition.ts";

export interface PolicyBlock {
  readonly file: string;
  readonly line: number;
  readonly tee: Tee;
  /** Repository, type and tag; any where it is `undefined`. */
  readonly path: readonly (string | undefined)[];
  readonly when: Condition;
}

const NO_DEBUG = "not guest.debug";
const FORMATS: Readonly<Record<Tee, string>> = { snp: "raw", "az-snp-vtpm": "azure-hcl" };

/** The text, not formatted. A guest is attested first, so that whoever may read something may get a token. */
export function policyText({ file, line, tee, path, when }: PolicyBlock, number: number): string {
  const pattern = path.map((name) => name ?? "*").join("/");
  const conditions = (when.kind === "all" ? when.of : [when])
    .map(conditionText)
    .filter((text) => text !== NO_DEBUG);
  return [
    `# ${printable(file)}, line ${line}, for guests of ${tee}.`,
    `policy trustee-${number} "${printable(file)}, line ${line}" {`,
    `for resource "${pattern}", "attest"`,
    "",
    "# A guest of the KBS protocol alone, at the level that Trustee took.",
    'require request.channel == kbs else "not a guest of the KBS protocol"',
    `require evidence.format == ${FORMATS[tee]} else "evidence of another kind"`,
    'require vmpl == 0 else "asked for at another level"',
    "# Trustee leaves this to its policies. It is not left to anybody here.",
    `require ${NO_DEBUG} else "guest memory could be read"`,
    "",
    ...conditions.map((text) => `require ${text} else "not let in by ${printable(file)}, line ${line}"`),
    "",
    'allow "as Trustee did" when request.op == release',
    "}",
  ].join("\n");
}

/** The name of a file, without the place where it lay. */
function printable(file: string): string {
  return (file.split("/").at(-1) ?? "").replaceAll(/[^\w./-]/g, "_").slice(0, MAX_FILE);
}

const MAX_FILE = 100;
