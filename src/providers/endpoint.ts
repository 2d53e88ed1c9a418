/** The part of an address that is the same for every call of a deployment, worked out once. */

import type { DeploymentConfig } from "../config/config.ts";
import type { Provider } from "./provider.ts";

export interface Endpoint {
  readonly origin: string;
  /** The path before the route, with no slash at its end. */
  readonly base: string;
  /** What follows the route: empty, or a query with its `?`. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Remembers the endpoint of each deployment: calls neither parse addresses nor build headers. */
export function addressing(
  endpointOf: (deployment: DeploymentConfig) => Endpoint,
): Provider["address"] {
  const known = new WeakMap<DeploymentConfig, Endpoint>();
  return (deployment, route) => {
    let endpoint = known.get(deployment);
    if (endpoint === undefined) {
      endpoint = endpointOf(deployment);
      known.set(deployment, endpoint);
    }
    const { origin, base, query, headers } = endpoint;
    return { origin, path: base + route + query, headers };
  };
}

/** The address given to the deployment, else its provider's own, with no slash at the end of its path. */
export function baseUrl(deployment: DeploymentConfig, known: string | null): URL {
  const url = URL.parse(deployment.apiBase ?? known ?? "");
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`${deployment.modelName}: ${deployment.provider} needs an http(s) api_base`);
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** URLs write the empty path as a slash. */
export function pathOf(url: URL): string {
  return url.pathname === "/" ? "" : url.pathname;
}
