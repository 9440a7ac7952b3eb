/** How is the interface described to machines? OpenAPI 3.1, from the same schemas that refuse requests. */
import { toJsonSchema } from "@valibot/to-json-schema";
import { CLAIMS } from "../wire/claims.ts";
import type { Schema } from "../wire/codec.ts";
import { KBS_ERROR } from "../wire/kbs/error.ts";
import { PROBLEM } from "../wire/problem.ts";
import type { Route } from "./route.ts";

const JSON_TYPE = "application/json";

/** The document as JSON text. Bytes are described as they are carried: base64url text. */
export function openApiText(routes: readonly Route[], version: string): string {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = documentedPath(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return JSON.stringify({
    openapi: "3.1.0",
    info: {
      title: "Ostiary",
      version,
      description:
        "Attested key broker for AMD SEV-SNP confidential VMs. Bytes are base64url without padding, times RFC 3339 in UTC.",
    },
    paths,
    components: {
      // The claims stand in requests as the base64url of their exact bytes; this is what those bytes hold.
      schemas: { Problem: schemaOf(PROBLEM), Claims: schemaOf(CLAIMS) },
      securitySchemes: {
        admin: { type: "http", scheme: "bearer", bearerFormat: "ostiary-admin+jwt" },
        holder: {
          type: "http",
          scheme: "dpop",
          description: "A token of /v1/attest and a proof of its key (RFC 9449)",
        },
        kbsSession: { type: "apiKey", in: "cookie", name: "kbs-session-id" },
        kbsToken: { type: "http", scheme: "bearer", bearerFormat: "a token of /kbs/v0/attest" },
        kbsAdmin: { type: "http", scheme: "bearer", bearerFormat: "a JWT as kbs-client makes it, EdDSA" },
      },
    },
  });
}

function operationOf(route: Route): Record<string, unknown> {
  return {
    summary: route.summary,
    parameters: [...pathParametersOf(route), ...queryParametersOf(route)],
    ...(route.request === undefined
      ? {}
      : { requestBody: { required: true, content: contentOf(route.request, route.mediaType) } }),
    ...(route.audience === "anyone" ? {} : { security: securityOf(route) }),
    responses: {
      "2XX": {
        description: "Done",
        ...(route.answer === undefined ? {} : { content: contentOf(route.answer) }),
      },
      default: refusalOf(route),
    },
  };
}

function refusalOf({ door }: Route): object {
  if (door === "kbs") return { description: "Refused: ErrorInformation", content: contentOf(KBS_ERROR) };
  return {
    description: "Refused: RFC 9457 problem details",
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

/** `/*` of a route is one parameter that may hold slashes; OpenAPI has no better word for it. */
function documentedPath(path: string): string {
  return path.replace(/\*$/, "{path}");
}

function pathParametersOf(route: Route): readonly object[] {
  const names = [...documentedPath(route.path).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
}

function queryParametersOf({ query = [] }: Route): readonly object[] {
  return query.map((name) => ({ name, in: "query", schema: { type: "integer", minimum: 0 } }));
}

/** One of these is enough. */
function securityOf({ audience }: Route): readonly object[] {
  if (audience === "kbs-guest") return [{ kbsSession: [] }, { kbsToken: [] }];
  if (audience === "kbs-admin") return [{ kbsAdmin: [] }];
  return audience === "token-holder" ? [{ holder: [] }, { admin: [] }] : [{ admin: [] }];
}

function contentOf(schema: Schema, mediaType: string = JSON_TYPE): object {
  return { [mediaType]: { schema: schemaOf(schema) } };
}

/** What JSON Schema cannot say (a path in normal form, an item asked for twice) is left out, never said wrongly. */
function schemaOf(schema: Schema): object {
  const { $schema: _dialect, ...described } = toJsonSchema(schema, {
    typeMode: "input",
    errorMode: "ignore",
    target: "draft-2020-12",
  });
  return described;
}
