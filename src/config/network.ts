/** A range of addresses, as `10.1.0.0/16` or a single address writes it. */

import ipaddr from "ipaddr.js";
import { fit, misfit, type Parse } from "./value.ts";

export type Network = readonly [base: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

const CURE = "write for example 10.1.0.0/16, or one address";

export const parseNetwork: Parse<Network> = (value) => {
  if (typeof value !== "string") return misfit("is not a network", CURE);
  if (ipaddr.isValidCIDR(value)) return fit(ipaddr.parseCIDR(value));
  if (!ipaddr.isValid(value)) return misfit("is not a network", CURE);
  const address = ipaddr.parse(value);
  return fit([address, address.kind() === "ipv4" ? 32 : 128]);
};
