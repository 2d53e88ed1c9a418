/** Where events may not be sent, however it is written. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { guardedLookup, isAllowedAddress, literalAddress } from "../../src/events/address.ts";
import { parseNetwork, type Network } from "../../src/config/network.ts";

const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.1", "127.1.2.3", "::1", "0:0:0:0:0:0:0:1"],
  "this host": ["0.0.0.0", "0.1.2.3", "::"],
  private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"],
  "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
  metadata: ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
  "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
  "IPv4 in IPv6": ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1"],
  "IPv4 behind NAT64": ["64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1"],
  "IPv4 in a tunnel": ["2002:7f00:1::", "2001:0:7f00:1::"],
  multicast: ["224.0.0.1", "239.255.255.250", "ff02::1"],
  special: ["255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "2001:db8::1", "100::1"],
  "no address": ["localhost", "", "1.2.3", "1.2.3.4.5", "gibberish", "[::1]"],
};

for (const [what, addresses] of Object.entries(FORBIDDEN)) {
  for (const address of addresses) {
    test(`${what} is no place to send to: ${JSON.stringify(address)}`, () => {
      assert.equal(isAllowedAddress(address, []), false);
    });
  }
}

for (const address of ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00::1"]) {
  test(`the open Internet is allowed: ${address}`, () => {
    assert.equal(isAllowedAddress(address, []), true);
  });
}

/** As an address of a URL may be spelt; all are loopback or metadata. */
const SPELLINGS = [
  "http://127.0.0.1/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0177.0.0.1/",
  "http://127.1/",
  "http://0x7f.1/",
  "http://①②⑦.0.0.1/",
  "http://127。0。0。1/",
  "http://0/",
  "http://[::1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:a9fe:a9fe]/",
  "http://[0:0:0:0:0:ffff:169.254.169.254]/",
  "http://2852039166/",
  "http://169.254.169.254:80/latest/meta-data/",
  "http://user@127.0.0.1/",
  "http://1.1.1.1@127.0.0.1/",
  "http://127.0.0.1.:8080/",
];

for (const url of SPELLINGS) {
  test(`is seen through, however it is spelt: ${url}`, () => {
    const literal = literalAddress(new URL(url));
    assert.notEqual(literal, null);
    assert.equal(isAllowedAddress(literal ?? "", []), false);
  });
}

test("an operator's network is allowed, and no other of its kind", () => {
  const networks = ["10.1.0.0/16", "192.168.7.7", "fd00:1::/32"].map(network);
  const allowed = ["10.1.2.3", "192.168.7.7", "fd00:1::9", "::ffff:10.1.2.3"];
  for (const address of allowed) assert.equal(isAllowedAddress(address, networks), true, address);
  const others = ["10.2.0.1", "192.168.7.8", "fd00:2::9", "127.0.0.1"];
  for (const address of others) assert.equal(isAllowedAddress(address, networks), false, address);
});

test("a name is refused if one of its addresses is, and else connected to at those that were checked", async () => {
  assert.equal(await ask(["1.1.1.1", "127.0.0.1"], true), "ADDRESS_NOT_ALLOWED");
  assert.equal(await ask([], true), "ADDRESS_NOT_ALLOWED");
  assert.deepEqual(await ask(["1.1.1.1"], false), ["1.1.1.1", 4]);
  assert.deepEqual(await ask(["1.1.1.1", "2606:4700::1111"], true), [
    [
      { address: "1.1.1.1", family: 4 },
      { address: "2606:4700::1111", family: 6 },
    ],
  ]);
});

function ask(addresses: readonly string[], all: boolean): Promise<unknown> {
  return new Promise((resolve) => {
    const guarded = guardedLookup(() => Promise.resolve(addresses), []);
    guarded("name.example", { all }, (error, ...found) => resolve(error?.code ?? found));
  });
}

function network(text: string): Network {
  const parsed = parseNetwork(text);
  return parsed.ok ? parsed.value : assert.fail(parsed.problem);
}
