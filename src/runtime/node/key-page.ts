/** What is the page for security keys? The files of `src/console/`, read when somebody opens it. */
import { readFile } from "node:fs/promises";
import type { KeyPage } from "../../http/route.ts";

export async function readKeyPage(): Promise<KeyPage> {
  const [html, script, style] = await Promise.all([textOf("key.html"), textOf("key.js"), textOf("key.css")]);
  return { html, script, style };
}

function textOf(name: string): Promise<string> {
  return readFile(new URL(`../../console/${name}`, import.meta.url), "utf8");
}
