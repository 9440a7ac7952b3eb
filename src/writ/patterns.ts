/** Which resources does a pattern name? Whole segments, `*` for one, a last `**` for one or more (WRIT section 5.2). */
import type { Pattern } from "./program.ts";

const SEGMENT = /^[A-Za-z0-9._~@:+=-]{1,128}$/;
const RESOURCE = /^[A-Za-z0-9._~@:+=-]{1,128}(?:\/[A-Za-z0-9._~@:+=-]{1,128})*$/;
const MAX_SEGMENTS = 16;
const MAX_LENGTH = 512;

/** The segments of a resource in normal form; `undefined` when it is not. Nothing is decoded or folded. */
export function parseResource(text: string): readonly string[] | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (!RESOURCE.test(text)) return undefined;
  const segments = text.split("/");
  return segments.length <= MAX_SEGMENTS && !segments.some(isDots) ? segments : undefined;
}

function isSegment(segment: string): boolean {
  return SEGMENT.test(segment) && !isDots(segment);
}

function isDots(segment: string): boolean {
  return segment === "." || segment === "..";
}

/** A pattern, or what is wrong with it. */
export type PatternReading =
  | { readonly kind: "pattern"; readonly pattern: Pattern }
  | { readonly kind: "bad"; readonly why: string };

export function parsePattern(text: string): PatternReading {
  const written = text.split("/");
  const isOpen = written.at(-1) === "**";
  const segments = isOpen ? written.slice(0, -1) : written;
  if (text.length > MAX_LENGTH) return bad(`a pattern has at most ${MAX_LENGTH} bytes`);
  if (written.length > MAX_SEGMENTS) return bad(`a pattern has at most ${MAX_SEGMENTS} segments`);
  for (const segment of segments) {
    const why = segment === "*" || isSegment(segment) ? undefined : faultOf(segment);
    if (why !== undefined) return bad(why);
  }
  return { kind: "pattern", pattern: { segments, isOpen } };
}

function bad(why: string): PatternReading {
  return { kind: "bad", why };
}

function faultOf(segment: string): string {
  if (segment === "") return "a segment is empty";
  if (segment === "**") return "`**` stands only at the end";
  if (segment.includes("*")) return "`*` is a whole segment: there are no partial wildcards";
  if (segment === "." || segment === "..") return `a segment cannot be \`${segment}\``;
  return segment.length > 128
    ? "a segment has at most 128 characters"
    : "a segment is letters, digits and `. _ ~ @ : + = -`";
}

/** Whether some resource matches both patterns. */
export function meets(a: Pattern, b: Pattern): boolean {
  const [short, long] = a.segments.length <= b.segments.length ? [a, b] : [b, a];
  const fits = short.segments.length === long.segments.length ? short.isOpen === long.isOpen : short.isOpen;
  const isLonger =
    short.isOpen || long.isOpen ? short.isOpen || short.segments.length > long.segments.length : true;
  const hasRoom = fits || (short.isOpen && long.isOpen);
  return (
    hasRoom &&
    isLonger &&
    short.segments.every((segment, at) => {
      const other = long.segments[at];
      return segment === "*" || other === "*" || segment === other;
    })
  );
}
