/** A web server that knows nothing but files: what a log in files is put behind, until the test ends. */
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { localServer } from "./local-server.ts";

/** @returns Its address. */
export async function serveFolder(folder: string): Promise<string> {
  const { url } = await localServer((request, response) => {
    readFile(join(folder, normalize(request.url ?? "/"))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  return url;
}
