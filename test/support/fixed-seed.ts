/** Which seed have properties while mutants are judged? One: their names hold it, and a test is found again by its name. */
import { fc } from "@fast-check/vitest";

fc.configureGlobal({ seed: 20_260_601 });
