/** Did a transit key make this text? By its form alone; whether by this key the broker says. */
import { parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { parseTransitText, type TransitText } from "../keys/transit-text.ts";

/** @throws {@link Fault} `request/malformed` for what no transit key made. */
export function madeOf(text: string): TransitText {
  const made = parseTransitText(text.trim());
  if (made !== undefined) return made;
  throw new Fault("request/malformed", "expected a text as `ostiary:v3:AAAA`");
}

/** The text of a result. */
export function textOf(result: Uint8Array): string {
  const text = parseUtf8(result);
  if (text !== undefined && parseTransitText(text) !== undefined) return text;
  throw new Fault("channel/bad-release", "expected a text that the key made");
}
