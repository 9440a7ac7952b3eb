/** Does the language run where there is no Node? In workerd, as a screen's worker would run it. */
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import * as language from "../../src/writ/browser.ts";
import { describeBrowserBuild } from "../contract/writ-browser.ts";

describeBrowserBuild({
  name: "workerd",
  language,
  vocabulary: SNP_VOCABULARY,
  digest: workerPrimitives(crypto.subtle).digest,
});
