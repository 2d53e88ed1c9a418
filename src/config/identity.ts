/** Gives every deployment an id that is its own and stays the same from start to start. */

import { createHash } from "node:crypto";
import type { DeploymentConfig } from "./config.ts";
import { addMistake, inside, type Scope } from "./scope.ts";

export interface Draft {
  /** As given in `model_info`. */
  readonly id: string | null;
  readonly scope: Scope;
  readonly deployment: Omit<DeploymentConfig, "id">;
}

/** 64 bits: no two of a thousand deployments share an id by chance. */
const HASH_CHARS = 16;

export function identify(drafts: readonly Draft[]): readonly DeploymentConfig[] {
  const taken = new Set<string>();
  for (const draft of drafts) claimGiven(draft, taken);
  return drafts.map(({ id, deployment }) => ({
    id: id ?? claimDerived(deployment, taken),
    ...deployment,
  }));
}

function claimGiven({ id, scope }: Draft, taken: Set<string>): void {
  if (id === null) return;
  if (taken.has(id)) {
    const here = inside(inside(scope, "model_info"), "id");
    addMistake(here, `"${id}" is the id of another deployment`, "give each its own, or none");
  }
  taken.add(id);
}

/** Entries that are alike in all that is hashed are told apart by their order. */
function claimDerived(deployment: Draft["deployment"], taken: Set<string>): string {
  const { modelName, provider, model, apiBase } = deployment;
  const facts = JSON.stringify([modelName, provider, model, apiBase]);
  const hash = createHash("sha256").update(facts).digest("hex").slice(0, HASH_CHARS);
  let id = hash;
  for (let count = 2; taken.has(id); count++) id = `${hash}-${count}`;
  taken.add(id);
  return id;
}
