/** What a batch touches is known before it is decided, even where the batch itself creates accounts or ends calls. */

import { test } from "node:test";

import { play } from "../support/table.ts";

test("a budget that a new customer is given is in force for its first call in the same batch", () => {
  play(`
    given   budget tier usd 100
      create  c1 acme budget tier            → written
      reserve h1 acme 101                    → refused budget_exceeded
      reserve h2 acme 100                    → held 100
    expect  acme usd used 0 held 100
  `);
});

test("a call before its customer's creation is held by the default budget", () => {
  play(`
    given   budget free requests/hour 1
            budget tier usd/hour 100
            default free
      reserve h1 acme 101                    → held
      create  c1 acme budget tier            → refused changed
      reserve h2 acme 1                      → refused rate_limited
    expect  acme requests/hour used 0 held 1
  `);
});

test("the first of two creations counts, for the calls in the same batch too", () => {
  play(`
      create  c1 acme own usd/hour 100       → written
      create  c2 acme own tokens/hour 5      → refused changed
      reserve h1 acme 101                    → refused budget_exceeded
      reserve h2 acme 100                    → held 100
    expect  acme usd/hour used 0 held 100
  `);
});

test("a call that ends twice in one batch, after its window has ended, shows where the next window stands", () => {
  play(`
    given   budget b usd/hour 100
            customer acme budget b
      reserve h1 acme 60 at 70               → held 60 out 0 left 40
      settle  h1 55 at 70                    → posted 55
    expect  acme usd/hour at 70 used 55 held 0
      reserve h2 acme 10 at 59               → held 10 out 0 left 90
      settle  h2 10 at 61                    → posted 10 settled left 90
      settle  h2 10 at 61                    → posted 10 settled left 45
      release h2 at 61                       → posted 10 settled left 45
  `);
});

test("a late settle in the batch of the expiry corrects the window that the call was admitted in", () => {
  play(`
    given   budget b usd/hour 100
            customer acme budget b
      reserve h1 acme 60 at 70               → held 60
    expect  acme usd/hour at 70 used 0 held 60
      reserve h2 acme 20 at 59               → held 20
      expire  h2 at 61                       → posted 20 unsettled left 80
      settle  h2 15 at 62                    → posted -5 adjusted
    expect  acme usd/hour at 59 used 15 held 0
    expect  acme usd/hour at 61 used 0 held 60
  `);
});
