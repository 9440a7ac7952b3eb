/** What does a Wycheproof file ask? Its groups and tests, and whether an implementation answers each as the file says. */
import { expect, it } from "vitest";
import { parseHex } from "../../src/base/bytes.ts";

export interface WycheproofTest {
  readonly tcId: number;
  readonly result: "valid" | "invalid" | "acceptable";
  readonly [field: string]: unknown;
}

export interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[];
  readonly [field: string]: unknown;
}

interface WycheproofFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly WycheproofGroup[];
}

/** Whether the implementation accepts the test's input and, where the test states an output, gives exactly that. */
export type Answer = (test: WycheproofTest, group: WycheproofGroup) => Promise<boolean> | boolean;

interface Verdict {
  /** How many tests ran: all of the file. */
  readonly ran: number;
  /** Ids of tests whose answer is not what the file says, or that threw what {@link Answer} did not expect. */
  readonly wrong: readonly string[];
}

/** The text of a file below `crypto/`, or `undefined` when the shared vectors are not beside this project. */
export type VectorText = (path: string) => string | undefined;

/** One test that runs a whole file; skipped by name when the file is not there. */
export function itAnswersAll(name: string, answer: Answer, vector: VectorText): void {
  const text = vector(`wycheproof/${name}.json`);
  if (text === undefined) {
    it.skip(`answers every test of ${name} (no ../shared/vectors here)`);
    return;
  }
  it(`answers every test of ${name}`, async () => {
    const file: WycheproofFile = JSON.parse(text);
    expect(await runWycheproof(file, answer)).toEqual({ ran: file.numberOfTests, wrong: [] });
  });
}

/** `valid` must be accepted, `invalid` must not, `acceptable` may be either but must answer. */
async function runWycheproof(file: WycheproofFile, answer: Answer): Promise<Verdict> {
  const wrong: string[] = [];
  let ran = 0;
  for (const group of file.testGroups) {
    for (const test of group.tests) {
      ran += 1;
      const outcome = await outcomeOf(() => answer(test, group));
      if (!isAsStated(test.result, outcome)) wrong.push(`${test.tcId}: ${test.result}, answered ${outcome}`);
    }
  }
  return { ran, wrong };
}

async function outcomeOf(answer: () => Promise<boolean> | boolean): Promise<string> {
  try {
    return (await answer()) ? "yes" : "no";
  } catch (thrown) {
    return `threw ${String(thrown)}`;
  }
}

function isAsStated(result: WycheproofTest["result"], outcome: string): boolean {
  if (result === "acceptable") return outcome === "yes" || outcome === "no";
  return outcome === (result === "valid" ? "yes" : "no");
}

/** A field that holds bytes as hex. */
export function hexField(holder: WycheproofTest | WycheproofGroup, name: string): Uint8Array {
  const text = holder[name];
  const bytes = typeof text === "string" ? parseHex(text) : undefined;
  if (bytes === undefined) throw new Error(`the vector has no hex in ${name}`);
  return bytes;
}

/** A field that holds a number. */
export function numberField(holder: WycheproofTest | WycheproofGroup, name: string): number {
  const value = holder[name];
  if (typeof value !== "number") throw new Error(`the vector has no number in ${name}`);
  return value;
}
