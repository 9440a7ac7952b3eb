/**
 * Why is node:http not imported? An import asks the module for each of its names, `WebSocket` among them, and that loads all of `fetch`:
 * 17 MB and 40 ms that a guest pays at its boot for nothing.
 */
import { getBuiltinModule } from "node:process";

/** node:http itself, with no more of it than is used. */
export const { Agent, request } = getBuiltinModule("node:http");
