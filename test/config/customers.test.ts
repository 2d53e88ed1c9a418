/** How calls name their customer, as the operator writes it, and what is wrong with how he writes it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { configOf, MINIMAL, mistakesOf, withFile, withGeneral, withParams } from "./source.ts";

const SECRET = "sixteen letters.";

function withLitellm(litellm_settings: object): object {
  return { ...MINIMAL, litellm_settings };
}

function customers(general: object) {
  return configOf(withGeneral(general)).customers;
}

test("only headers of the role customer are kept, in lower case and in their order", () => {
  const user_header_mappings = [
    { header_name: "X-B", litellm_user_role: "CUSTOMER" },
    { header_name: "X-Staff", litellm_user_role: "internal_user" },
    { header_name: "X-A", litellm_user_role: "customer" },
  ];
  assert.deepEqual(customers({ user_header_mappings }).headers, ["x-b", "x-a"]);
  const [single] = user_header_mappings;
  assert.deepEqual(customers({ user_header_mappings: single }).headers, ["x-b"]);
});

test("the older header counts only where no mapping names a customer", () => {
  const user_header_name = "X-Old";
  const staff = { header_name: "x-staff", litellm_user_role: "internal_user" };
  const mapped = { header_name: "x-new", litellm_user_role: "customer" };
  assert.deepEqual(customers({ user_header_name }).headers, ["x-old"]);
  assert.deepEqual(customers({ user_header_name, user_header_mappings: staff }).headers, ["x-old"]);
  assert.deepEqual(customers({ user_header_name, user_header_mappings: mapped }).headers, [
    "x-new",
  ]);
});

test("a pattern has to fit the whole of an id", () => {
  const { idPattern } = customers({ customer_id_pattern: "ab|cd" });
  assert.deepEqual(
    ["ab", "cd", "abcd", "xab", "cdx", "ab\n"].map((id) => idPattern?.test(id)),
    [true, true, false, false, false, false],
  );
});

test("every rule about ids reaches the configuration", () => {
  const { idCharsMax, idJsonPath, enforceUser } = customers({
    customer_id_chars_max: 64,
    customer_id_json_field: "account.id",
    enforce_user_param: "true",
  });
  assert.deepEqual(
    { idCharsMax, idJsonPath, enforceUser },
    {
      idCharsMax: 64,
      idJsonPath: ["account", "id"],
      enforceUser: true,
    },
  );
});

for (const [customer_auto_create, allowed, perMinuteMax] of [
  [true, true, null],
  [false, false, null],
  ["False", false, null],
  [60, true, 60],
  ["60", true, 60],
] as const) {
  test(`customer_auto_create: ${JSON.stringify(customer_auto_create)} is understood`, () => {
    const { budgets } = configOf(withGeneral({ customer_auto_create }));
    assert.deepEqual(budgets.newCustomers, { allowed, perMinuteMax });
  });
}

test("ids that must exist make no customers, unless a default budget bounds them", () => {
  const strict = configOf(withLitellm({ validate_end_user_id_in_db: true }));
  assert.equal(strict.customers.dropsUnknown, true);
  assert.equal(strict.budgets.newCustomers.allowed, false);
  const bounded = { validate_end_user_id_in_db: true, max_end_user_budget_id: "default" };
  assert.equal(configOf(withLitellm(bounded)).budgets.newCustomers.allowed, true);
});

test("blocked customers stand in the file or in another", () => {
  const listed = configOf(withLitellm({ blocked_user_list: ["a", 42] }));
  assert.deepEqual([...listed.customers.blocked], ["a", "42"]);
  withFile("a\r\n\n  b c \n", (blocked_user_list) => {
    const { blocked } = configOf(withLitellm({ blocked_user_list })).customers;
    assert.deepEqual([...blocked], ["a", "b c"]);
  });
});

test("what the provider is told is one of three", () => {
  assert.deepEqual(customers({ upstream_user: "pass" }).upstreamUser, { mode: "pass" });
  assert.deepEqual(customers({ upstream_user: "strip" }).upstreamUser, { mode: "strip" });
  const hash = { upstream_user: "hash", upstream_user_secret: SECRET };
  assert.deepEqual(customers(hash).upstreamUser, { mode: "hash", secret: SECRET });
});

test("a secret that hashes nothing is warned of", () => {
  const { warnings } = configOf(withGeneral({ upstream_user_secret: SECRET }));
  assert.deepEqual(warnings, [
    "general_settings.upstream_user_secret: has no effect without upstream_user: hash",
  ]);
});

for (const [settings, key, problem] of [
  [{ user_header_mappings: "x-user" }, "user_header_mappings", /is not a list/],
  [
    { user_header_mappings: [{ header_name: "x-user" }] },
    "user_header_mappings",
    /no known litellm_user_role/,
  ],
  [
    { user_header_mappings: [{ header_name: "x-user", litellm_user_role: "custmer" }] },
    "user_header_mappings",
    /no known litellm_user_role/,
  ],
  [
    { user_header_mappings: [{ header_name: "x user", litellm_user_role: "customer" }] },
    "user_header_mappings",
    /names no header/,
  ],
  [
    { user_header_mappings: [{ header: "x-user", litellm_user_role: "customer" }] },
    "user_header_mappings",
    /unknown key header/,
  ],
  [{ user_header_name: "x:user" }, "user_header_name", /cannot be the name of a header/],
  [{ enforce_user_param: "perhaps" }, "enforce_user_param", /is not one of true, false/],
  [{ customer_id_chars_max: 257 }, "customer_id_chars_max", /from 1 to 256/],
  [{ customer_id_pattern: "[a-z" }, "customer_id_pattern", /is not a regular expression/],
  [{ customer_id_pattern: "a)|(b" }, "customer_id_pattern", /is not a regular expression/],
  [{ customer_id_json_field: "a..b" }, "customer_id_json_field", /is not a path of fields/],
  [{ customer_auto_create: 0 }, "customer_auto_create", /is not true, false or a whole number/],
  [{ customer_auto_create: 1.5 }, "customer_auto_create", /is not true, false or a whole number/],
  [{ upstream_user: "encrypt" }, "upstream_user", /is not one of pass, hash, strip/],
  [{ upstream_user: "hash" }, "upstream_user_secret", /^is missing$/],
  [
    { upstream_user: "hash", upstream_user_secret: "short" },
    "upstream_user_secret",
    /^has fewer than 16 characters$/,
  ],
] as const) {
  test(`${JSON.stringify(settings)} is one mistake, with its cure`, () => {
    const mistakes = mistakesOf(withGeneral(settings));
    assert.equal(mistakes.length, 1);
    assert.equal(mistakes[0]?.path, `general_settings.${key}`);
    assert.match(mistakes[0].problem, problem);
    assert.ok(mistakes[0].cure);
  });
}

test("a region is known by its name in lower case, and is one that a header can hold", () => {
  const [european] = configOf(withParams({ model: "fake/m", region_name: "EU" })).deployments;
  assert.equal(european?.region, "eu");
  const [mistake] = mistakesOf(withParams({ model: "fake/m", region_name: "e\nu" }));
  assert.equal(mistake?.path, "model_list[0].litellm_params.region_name");
});

test("a list of blocked customers that cannot be read stops the start", () => {
  const file = join(import.meta.dirname, "no-such-file");
  for (const blocked_user_list of [file, 7, true]) {
    const [mistake] = mistakesOf(withLitellm({ blocked_user_list }));
    assert.equal(mistake?.path, "litellm_settings.blocked_user_list");
  }
});
