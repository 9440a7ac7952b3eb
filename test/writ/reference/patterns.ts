/** Does a pattern name a resource? Naively, as a regular expression (WRIT section 5.2). */

const SEGMENT = "[A-Za-z0-9._~@:+=-]{1,128}";

export function matchesPattern(pattern: string, resource: string): boolean {
  const segments = resource.split("/");
  const isNormal =
    resource.length <= 512 &&
    segments.length <= 16 &&
    segments.every((one) => one !== "." && one !== ".." && new RegExp(`^${SEGMENT}$`).test(one));
  return isNormal && formOf(pattern).test(resource);
}

function formOf(pattern: string): RegExp {
  const parts = pattern.split("/").map((one) => {
    if (one === "**") return `${SEGMENT}(?:/${SEGMENT})*`;
    return one === "*" ? SEGMENT : one.replaceAll(/[.+]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}
