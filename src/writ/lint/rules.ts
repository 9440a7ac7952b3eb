/** What does a vocabulary tell the lints about its subject? Which fields mean identity, danger, age: data from outside. */

/** A field, and one clause that says why it matters. */
export interface FieldReason {
  readonly field: string;
  readonly why: string;
}

/** A family is named without its index. */
export interface LintRules {
  /** One of these has to be pinned on every path to an allow: W0710. */
  readonly identity: { readonly fields: readonly string[]; readonly message: string; readonly label: string };
  /** What a guest says of itself, by what such fields begin with: worth what its image is worth, so that needs an identity: W0733. */
  readonly ownWord: { readonly prefix: string; readonly message: string; readonly label: string };
  /** Flags that no path should let through: W0711. */
  readonly dangers: readonly FieldReason[];
  /** The vector that a floor should hold on to, and those that do not replace it: W0712, W0714. */
  readonly levels: { readonly trusted: FieldReason; readonly others: readonly FieldReason[] };
  /** A flag that says that a floor may give way: W0716. */
  readonly provisional: FieldReason;
  /** The field that says what the answer is bound to: W0718. */
  readonly binding: FieldReason;
  /** The age of what revokes: W0719. */
  readonly age: FieldReason;
  readonly platforms: readonly PlatformRules[];
}

/** What is particular to policies that name a platform. */
export interface PlatformRules {
  readonly platform: string;
  /** Flags that every request there carries, so that a deny on one leaves nothing: W0701. */
  readonly carries: readonly string[];
  /** One field of each group has to be pinned, or the operating system is not covered: W0726. */
  readonly covers: readonly (readonly string[])[];
  readonly coversWhy: string;
  /** Fields to pin for another reason: W0729. */
  readonly pins: readonly FieldReason[];
  /** A field that has to stand beside another, in the same conjunction: W0729. */
  readonly beside: readonly { readonly field: string; readonly needs: string; readonly why: string }[];
  /** Fields whose pin means little there: W0728. */
  readonly empty: readonly FieldReason[];
  /** A flag to require where this product is among those named: W0728. */
  readonly wanted: readonly { readonly product: string; readonly flag: string; readonly why: string }[];
}
