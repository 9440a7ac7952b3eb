/** `/v1/admin/readers/PATH`: which guests hold which version of a secret. */
import { Fault } from "../../base/fault.ts";
import { listReaders } from "../../broker/readers.ts";
import { encodeReaderList, READER_LIST } from "../../wire/readers.ts";
import type { Route } from "../route.ts";
import { secretPathOf } from "./secrets.ts";

export const readersRoute: Route = {
  method: "GET",
  path: "/v1/admin/readers/*",
  summary: "Which guests were given which version of a secret, and which of them have confirmed no later one",
  audience: "admin",
  query: ["version"],
  answer: READER_LIST,
  serve: async (incoming, { world }) => {
    const version = versionOf(incoming.query.get("version"));
    return { body: encodeReaderList(await listReaders(secretPathOf(incoming), version, world)) };
  },
};

function versionOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new Fault("request/malformed", "expected `version` to be a whole number from 1 on");
}
