/** The billing systems that are told of every charge. */

import { isObject, type Json } from "../platform/json.ts";
import type { ExportConfig } from "./config.ts";
import { addMistake, inside, type Scope } from "./scope.ts";
import { accept, readSection } from "./section.ts";
import { parseMapping } from "./value.ts";

/** Their own clouds; whoever runs one writes its address. */
const API_BASES = {
  stripe: "https://api.stripe.com",
  openmeter: "https://openmeter.cloud",
  lago: "https://api.getlago.com",
} as const satisfies Readonly<Record<ExportConfig["to"], string>>;

export function readExports(entries: readonly Json[], scope: Scope): readonly ExportConfig[] {
  const exports = entries.flatMap((entry, index) => readExport(entry, inside(scope, index)));
  for (const [index, { to }] of exports.entries()) {
    const isSecond = exports.findIndex((other) => other.to === to) < index;
    if (isSecond) addMistake(inside(scope, index), `is a second export to ${to}`, "keep one");
  }
  return exports;
}

function readExport(entry: Json, scope: Scope): ExportConfig[] {
  const given = accept(parseMapping(entry), "", scope);
  if (given === null || !isObject(given)) return [];
  const { to, meter, api_key: apiKey, api_base: apiBase } = readSection("export", given, scope);
  if (to === null || meter === null || apiKey === null) return [];
  return [{ to, meter, apiKey, apiBase: apiBase ?? API_BASES[to] }];
}
