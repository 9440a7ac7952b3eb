/** What is a request called? A ULID, given on arrival: 48 bits of time, 80 bits of chance, in Crockford's base 32. */

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_DIGITS = 10;
const RANDOM_BYTES = 10;

export interface UlidSources {
  /** Unix time in milliseconds. */
  readonly milliseconds: () => number;
  readonly random: (size: number) => Uint8Array;
}

/** Makes the function that names requests. */
export function createUlids(sources: UlidSources): () => string {
  return () => timePart(sources.milliseconds()) + randomPart(sources.random(RANDOM_BYTES));
}

function timePart(milliseconds: number): string {
  let rest = Math.floor(milliseconds);
  let text = "";
  for (let i = 0; i < TIME_DIGITS; i += 1) {
    text = `${DIGITS[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Ten bytes are sixteen digits of five bits. */
function randomPart(bytes: Uint8Array): string {
  let text = "";
  for (let bit = 0; bit < RANDOM_BYTES * 8; bit += 5) {
    const at = bit >> 3;
    const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    text += DIGITS[(pair >> (11 - (bit & 7))) & 31];
  }
  return text;
}
