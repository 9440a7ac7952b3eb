/** A real browser: Debian's Chromium without a window, driven over its DevTools protocol, with an authenticator of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Browser {
  readonly open: (url: string) => Promise<Page>;
  readonly close: () => Promise<void>;
}

export interface Page {
  /** What an expression comes to, in the page; waits for promises. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Asks until an expression comes to something. */
  readonly until: (expression: string) => Promise<string>;
  /** Puts in a security key, as a browser without a window has it: it says yes to whoever asks. */
  readonly addSecurityKey: () => Promise<string>;
  readonly send: (method: string, params?: object) => Promise<Record<string, unknown>>;
  readonly reload: (url: string) => Promise<void>;
  /** What the browser had to say: refused by policy, broken script. */
  readonly complaints: readonly string[];
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export async function startChromium(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "ostiary-chromium-"));
  const child = spawn(
    "chromium",
    [
      "--headless=new",
      "--no-sandbox", // as root, which CI is; the pages are ours
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const socket = new WebSocket(await devToolsUrl(child.stderr));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const protocol = createProtocol(socket);
  return {
    open: async (url) => openPage(url, protocol),
    close: async () => {
      socket.close();
      child.kill("SIGKILL");
      await exited;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function devToolsUrl(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const url = /^DevTools listening on (\S+)$/.exec(line)?.[1];
    if (url !== undefined) {
      stderr.resume(); // nobody reads on, and it must not block
      return url;
    }
  }
  throw new Error("Chromium did not start: is the Debian package `chromium` there?");
}

type Send = (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>;

interface Protocol {
  readonly send: Send;
  readonly listen: (heard: (answer: Answer) => void) => void;
}

function createProtocol(socket: WebSocket): Protocol {
  let next = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  const listeners: ((answer: Answer) => void)[] = [];
  socket.onmessage = ({ data }) => {
    const answer: Answer = JSON.parse(String(data));
    if (answer.id === undefined) for (const heard of listeners) heard(answer);
    else waiting.get(answer.id)?.(answer);
  };
  const send: Send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, ({ result = {}, error }) =>
        error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)),
      );
      socket.send(
        JSON.stringify({ id: next, method, params, ...(sessionId === undefined ? {} : { sessionId }) }),
      );
    });
  return { send, listen: (heard) => void listeners.push(heard) };
}

async function openPage(url: string, protocol: Protocol): Promise<Page> {
  const { targetId } = await protocol.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await protocol.send("Target.attachToTarget", { targetId, flatten: true });
  const send: Page["send"] = (method, params) => protocol.send(method, params, String(sessionId));
  const complaints: string[] = [];
  protocol.listen(({ method, params }) => {
    const said = JSON.stringify(params);
    const isError = method === "Log.entryAdded" && said.includes('"level":"error"');
    if (isError || method === "Runtime.exceptionThrown") complaints.push(said);
  });
  await send("Page.enable");
  await send("Runtime.enable");
  await send("Log.enable");
  const evaluate: Page["evaluate"] = async (expression) => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return typeof result === "object" && result !== null && "value" in result ? result.value : undefined;
  };
  const until: Page["until"] = async (expression) => {
    for (let turn = 0; turn < 300; turn += 1) {
      const value = await evaluate(expression); // in order: each is asked anew
      if (typeof value === "string" && value !== "") return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(
      `never came to anything: ${expression}; the page says: ${await evaluate("document.body.innerText")}`,
    );
  };
  const addSecurityKey: Page["addSecurityKey"] = async () => {
    await send("WebAuthn.enable");
    const options = {
      protocol: "ctap2",
      transport: "usb",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    };
    const { authenticatorId } = await send("WebAuthn.addVirtualAuthenticator", { options });
    return String(authenticatorId);
  };
  const reload: Page["reload"] = async (to) => {
    await send("Page.navigate", { url: "about:blank" });
    await send("Page.navigate", { url: to });
    await until("document.readyState === 'complete' ? document.title || 'untitled' : ''");
  };
  await reload(url);
  return { evaluate, until, addSecurityKey, send, reload, complaints };
}
