/** Is the record of an account read as it was written, and never for that of somebody who signs? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  ACCOUNT_ROLES,
  type Account,
  accountRecord,
  isIssuer,
  isSubject,
  parseAccountRecord,
} from "../../src/policy/accounts.ts";
import { parseAdminRecord } from "../../src/policy/admins.ts";

const names = fc.stringMatching(/^[\w.@-]{1,128}$/);
const prefixes = fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){0,3}$/);

const accounts: fc.Arbitrary<Account> = fc.record({
  kid: names,
  issuer: fc.stringMatching(/^https:\/\/[a-z]{1,20}\.example(\/[a-z]{1,20}){0,2}\/?$/),
  subject: fc.stringMatching(/^[\x20-\x7e]{1,255}$/),
  person: names,
  roles: fc.uniqueArray(fc.constantFrom(...ACCOUNT_ROLES)),
  under: fc.uniqueArray(prefixes, { maxLength: 4 }),
});

describe("the record of an account", () => {
  test.prop([accounts])("comes back as it was written, and is no admin's with a key", (account) => {
    expect(parseAccountRecord(accountRecord(account))).toEqual(account);
    expect(parseAdminRecord(accountRecord(account))).toBeUndefined();
  });

  test.prop([fc.jsonValue()])("is none in any other JSON", (value) => {
    expect(parseAccountRecord(JSON.parse(JSON.stringify(value)))).toBeUndefined();
  });

  it.each([
    ["https://idp.example", true],
    ["https://idp.example/", true],
    ["https://idp.example/realms/a", true],
    ["https://idp.example:8443", true],
    ["http://127.0.0.1:8080", true],
    ["http://idp.example", false],
    ["http://127.0.0.1.evil.example", false],
    ["http://127.0.0.1@evil.example", false],
    ["https://a@idp.example", false],
    ["https://idp.example?a", false],
    ["https://idp.example#a", false],
    ["https://", false],
    ["https:///a", false],
    [" https://idp.example", false],
    ["https://idp.example\n", false],
    ["javascript:alert(1)", false],
    [`https://idp.example/${"a".repeat(256)}`, false],
  ])("takes the issuer %j: %s", (issuer, expected) => {
    expect(isIssuer(issuer)).toBe(expected);
  });

  it.each([
    ["248289761001", true],
    ["auth0|5f7c8ec7c33c6c004bbafe82", true],
    ["a b", true],
    ["", false],
    ["ä", false],
    ["a\u0000", false],
    ["a".repeat(256), false],
  ])("takes the subject %j: %s", (subject, expected) => {
    expect(isSubject(subject)).toBe(expected);
  });
});
