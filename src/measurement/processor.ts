/** Which processor does the guest see? QEMU's model names, and CPUID signatures of family, model and stepping. */

/** A processor model under the name that a candidate is told by. */
export interface ProcessorType {
  readonly name: string;
  /** CPUID Fn0000_0001 EAX. */
  readonly signature: number;
}

type Numbers = readonly [family: number, model: number, stepping: number];

/** QEMU's EPYC models (target/i386/cpu.c); their later versions (`-v2`, …) change features and not the signature. */
const MODELS: Readonly<Record<string, Numbers>> = {
  EPYC: [23, 1, 2],
  "EPYC-Rome": [23, 49, 0],
  "EPYC-Milan": [25, 1, 1],
  "EPYC-Genoa": [25, 17, 0],
  "EPYC-Turin": [26, 0, 0],
};

/** What is looked through where nobody knows the model. */
export const KNOWN_TYPES: readonly ProcessorType[] = Object.entries(MODELS).map(([name, numbers]) => ({
  name,
  signature: signatureOf(numbers),
}));

/** Reads `EPYC-Milan`, `EPYC-v4`, `EPYC-IBPB` or `25,1,1`; `undefined` for anything else. */
export function parseProcessorType(text: string): ProcessorType | undefined {
  const numbers = /^(\d{1,3}),(\d{1,3}),(\d{1,2})$/.exec(text)?.slice(1).map(Number);
  if (numbers !== undefined) return fromNumbers(text, numbers);
  const model = MODELS[text.replace(/-(?:v\d{1,2}|IBPB)$/, "")];
  return model === undefined ? undefined : { name: text, signature: signatureOf(model) };
}

function fromNumbers(
  name: string,
  [family = 0, model = 0, stepping = 0]: readonly number[],
): ProcessorType | undefined {
  const isPossible = family <= 15 + 0xff && model <= 0xff && stepping <= 0xf;
  return isPossible ? { name, signature: signatureOf([family, model, stepping]) } : undefined;
}

/** Extended family, extended model, family, model, stepping (AMD APM volume 3, appendix E.3.1). */
function signatureOf([family, model, stepping]: Numbers): number {
  const extendedFamily = Math.max(family - 15, 0);
  return (
    extendedFamily * 2 ** 20 +
    (model >> 4) * 2 ** 16 +
    Math.min(family, 15) * 2 ** 8 +
    (model & 15) * 16 +
    stepping
  );
}
