/** What is true of every request, whatever a policy says? Correlations between fields, as data of a vocabulary (WRIT section 11). */

/**
 * What is said of one field. A claim about a value is false of an absent field. A claim about a family (`pcr` for `pcr[0]` and
 * so on) is made of each member.
 */
export type Claim =
  | { readonly kind: "present"; readonly field: string }
  | { readonly kind: "absent"; readonly field: string }
  | { readonly kind: "one-of"; readonly field: string; readonly values: readonly string[] }
  | { readonly kind: "flag"; readonly field: string; readonly is: boolean }
  /** Both ends of each range count. */
  | {
      readonly kind: "within";
      readonly field: string;
      readonly ranges: readonly (readonly [least: number, most: number])[];
    };

/** Where every `when` holds, everything that `follows` does. */
export interface Implication {
  readonly kind: "implies";
  readonly when: readonly Claim[];
  readonly follows: readonly Claim[];
}

/** Two names of one value, of the same type. */
interface Alias {
  readonly kind: "alias";
  readonly field: string;
  readonly of: string;
}

/** No component of the vector `lower` is above that of `upper`. */
interface Order {
  readonly kind: "at-most";
  readonly lower: string;
  readonly upper: string;
}

/** `flag` is false exactly where both fields of every pair are equal. Of vectors and versions. */
interface Difference {
  readonly kind: "differs";
  readonly flag: string;
  readonly pairs: readonly (readonly [string, string])[];
}

/** The vectors `fields` have exactly the components of the request's product. */
interface Components {
  readonly kind: "components";
  readonly fields: readonly string[];
}

/**
 * `field` is the number (`vcpus`) of the reference values that equal the field `of`; absent where there is none, or where they
 * disagree.
 */
interface Labelled {
  readonly kind: "labelled";
  readonly field: string;
  readonly of: string;
}

/** `weekday` and `hour` are those of the vocabulary's time field, in UTC. `days` begins with the day of 1970-01-01. */
interface Calendar {
  readonly kind: "calendar";
  readonly weekday: string;
  readonly hour: string;
  readonly days: readonly string[];
}

/** `text` says it as a sentence, without the full stop: what a message shows to whoever contradicts it. */
export type Axiom = { readonly text: string } & (
  | Implication
  | Alias
  | Order
  | Difference
  | Components
  | Labelled
  | Calendar
);
