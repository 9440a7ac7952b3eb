/** What is to be made, and how is that written down? By the name of a recipe, and for plain bytes their number. */

/** The names of recipes. `bytes` needs a size, no other takes one. */
export const RECIPE_NAMES = [
  "bytes",
  "aes-128",
  "aes-256",
  "aes-256-xts",
  "passphrase",
  "ed25519",
  "p-256",
  "p-384",
  "rsa-3072",
  "rsa-4096",
] as const;

export type RecipeName = (typeof RECIPE_NAMES)[number];

export interface Recipe {
  readonly name: RecipeName;
  /** Of `bytes` only: 16 to 65536. */
  readonly size?: number;
}

/** The recipe as a column and an answer hold it: `aes-256`, `bytes:32`. */
export function recipeText({ name, size }: Recipe): string {
  return size === undefined ? name : `${name}:${size}`;
}

/** Reads {@link recipeText}; `undefined` for anything else. */
export function parseRecipe(text: string): Recipe | undefined {
  const [word, size, ...rest] = text.split(":");
  const name = RECIPE_NAMES.find((known) => known === word);
  if (name === undefined || rest.length > 0 || (size === undefined) === (name === "bytes")) return undefined;
  if (size === undefined) return { name };
  return /^[1-9]\d{1,4}$/.test(size) ? { name, size: Number(size) } : undefined;
}
