/** What is wrong with a text, where, and what would mend it? Diagnostics as data. Their one rendering is in `render.ts`. */

export type Severity = "error" | "warning" | "note";

/** Half-open range of UTF-16 code units in a source text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One replacement in the file of its diagnostic. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** Advice. Each of `fixes` mends the fault by itself; more than one means that a person has to choose. */
export interface Help {
  readonly text: string;
  readonly fixes: readonly (readonly Edit[])[];
}

/** A marked stretch of the source with what to say beside it. */
export interface Mark {
  readonly span: Span;
  readonly text: string;
}

/** One finding about one place of one file. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly file: string;
  readonly message: string;
  readonly primary: Mark;
  /** Further places in the same file that the finding is about. */
  readonly secondary: readonly Mark[];
  readonly notes: readonly string[];
  readonly helps: readonly Help[];
}
