/** Where events may be sent: the open Internet, and what the operator allows besides. */

import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import type { Network } from "../config/network.ts";

/** Azure's platform answers here, to whoever asks from inside, although the address is a public one. */
const PLATFORM_ADDRESSES = ["168.63.129.16"];

/** Where all public IPv6 addresses lie; what is elsewhere is special in one way or another. */
const PUBLIC_IPV6 = ipaddr.parseCIDR("2000::/3");

/** Every address of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export const resolveByDns: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Also in IPv6's clothes: `::ffff:127.0.0.1` is loopback. */
export function isAllowedAddress(text: string, allowed: readonly Network[]): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.process(text);
  const isAllowed = allowed.some(
    ([base, bits]) => base.kind() === address.kind() && address.match(base, bits),
  );
  if (isAllowed) return true;
  if (address.range() !== "unicast") return false;
  if (address.kind() === "ipv6") return address.match(PUBLIC_IPV6[0], PUBLIC_IPV6[1]);
  return !PLATFORM_ADDRESSES.includes(address.toString());
}

/** The address that a URL names outright, in whatever spelling; null if it names a host. */
export function literalAddress({ hostname }: URL): string | null {
  const bare = hostname.replace(/^\[|\]$/g, "");
  return isIP(bare) === 0 ? null : bare;
}

export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  readonly code = "ADDRESS_NOT_ALLOWED";
}

/**
 * Looks a name up for the very connection that is about to be made, so what was checked is what is connected to and a
 * name server that answers otherwise the next time changes nothing. One bad address among good ones refuses the name.
 */
export function guardedLookup(resolve: Resolve, allowed: readonly Network[]): LookupFunction {
  return (host, options, answer) => {
    resolve(host).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first] = found;
        if (first === undefined || !addresses.every((each) => isAllowedAddress(each, allowed))) {
          answer(new AddressRefused("not an address to send to"), "");
        } else if (options.all === true) answer(null, found);
        else answer(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => answer(error, ""),
    );
  };
}
