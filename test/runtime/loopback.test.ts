/** Does the page that a browser comes back to hear whoever has the state, and nobody else? */
import { afterEach, describe, expect, it } from "vitest";
import { type Loopback, openLoopback } from "../../src/runtime/node/loopback.ts";

const opened: Loopback[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

async function loopback(signal = new AbortController().signal): Promise<Loopback> {
  const one = await openLoopback({ port: 0, state: "right", signal });
  opened.push(one);
  return one;
}

describe("where a browser comes back to", () => {
  it("is an address of this machine alone, which takes what came with the state", async () => {
    const { url, cameBack } = await loopback();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const answer = await fetch(`${url}?code=c&state=right&iss=x`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await cameBack).searchParams.get("code")).toBe("c");
  });

  it("has nothing for whoever guesses: another state, another path, another method", async () => {
    const { url, cameBack } = await loopback();
    const strangers = [
      `${url}?code=evil&state=wrong`,
      `${url}?code=evil`,
      url.replace("callback", "x?state=right"),
    ];
    for (const stranger of strangers) expect((await fetch(stranger)).status).toBe(404);
    expect((await fetch(`${url}?code=evil&state=right`, { method: "POST", body: "x" })).status).toBe(404);
    await fetch(`${url}?code=good&state=right`);
    expect((await cameBack).searchParams.get("code")).toBe("good");
  });

  it("is given up where nobody comes in time, and where the port is taken", async () => {
    const over = new AbortController();
    const { url, cameBack } = await loopback(over.signal);
    const port = Number(new URL(url).port);
    const taken = openLoopback({ port, state: "right", signal: over.signal });
    await expect(taken).rejects.toMatchObject({ code: "login/failed" });
    over.abort();
    await expect(cameBack).rejects.toMatchObject({ code: "login/failed" });
  });
});
