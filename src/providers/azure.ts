/** Azure OpenAI: one address per deployment, a version in the query, the key in a header of its own. */

import type { DeploymentConfig } from "../config/config.ts";
import { addressing, baseUrl, pathOf, type Endpoint } from "./endpoint.ts";
import type { Provider } from "./provider.ts";

/** LiteLLM's default. Versions before 2024-09-01-preview know neither of the two fields named below. */
const API_VERSION_DEFAULT = "2025-02-01-preview";

const byDeployment = addressing(endpointOf);

/** Responses have no address by deployment: there as in Azure's newer API, the body names it. */
const byResource = addressing((deployment) => {
  const { base, ...endpoint } = endpointOf(deployment);
  return { ...endpoint, base: base.replace(/\/openai\/.*$/, "/openai/v1"), query: "" };
});

export const azure: Provider = {
  name: "azure",
  families: ["openai"],
  address: (deployment, route) =>
    route.startsWith("/responses")
      ? byResource(deployment, route)
      : byDeployment(deployment, route),
  outputBoundField: "max_completion_tokens",
  streamUsageOption: true,
};

function endpointOf(deployment: DeploymentConfig): Endpoint {
  const { apiKey, apiVersion, model } = deployment;
  const url = baseUrl(deployment, null);
  const base = deploymentPath(pathOf(url), model);
  const version = apiVersion ?? url.searchParams.get("api-version") ?? versionDefault(base);
  return {
    origin: url.origin,
    base,
    query: version === null ? "" : `?api-version=${encodeURIComponent(version)}`,
    headers: apiKey === null ? {} : { "api-key": apiKey },
  };
}

/** People give the resource, its `/openai`, or the whole address that Azure's portal shows. */
function deploymentPath(path: string, model: string): string {
  const whole = /^.*\/openai\/deployments\/[^/]+/.exec(path);
  if (whole !== null) return whole[0];
  if (isVersionless(path)) return path;
  const resource = path.endsWith("/openai") ? path : `${path}/openai`;
  return `${resource}/deployments/${encodeURIComponent(model)}`;
}

function versionDefault(base: string): string | null {
  return isVersionless(base) ? null : API_VERSION_DEFAULT;
}

/** Azure's newer API, which finds the deployment in the body, as OpenAI does. */
function isVersionless(path: string): boolean {
  return path.endsWith("/openai/v1");
}
