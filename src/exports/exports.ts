/** All the exports of a process, and the report that holds what was sent against the ledger. */

import type { ExportConfig } from "../config/config.ts";
import type { Rejection, Total } from "../ledger/outbox.ts";
import { nanoUsd } from "../money/amount.ts";
import { Exporter, type Exporting } from "./exporter.ts";

export interface ExportReport {
  readonly name: string;
  /** Everything up to this place of the ledger has been passed on. */
  readonly cursor: bigint;
  readonly sent: Total;
  readonly rejected: Total;
  /** Up to the cursor. What was sent and what was rejected add up to it. */
  readonly ledger: Total;
  /** What went wrong last, as this instance saw it. */
  readonly error: string | null;
  readonly rejections: readonly Rejection[];
}

export class Exports {
  readonly #exporting: Exporting;
  readonly #exporters: readonly Exporter[];

  constructor(configs: readonly ExportConfig[], exporting: Exporting) {
    this.#exporting = exporting;
    this.#exporters = configs.map((config) => new Exporter(config, exporting));
    for (const exporter of this.#exporters) exporter.start();
  }

  reports(): Promise<readonly ExportReport[]> {
    return Promise.all(this.#exporters.map((exporter) => this.#report(exporter)));
  }

  /** How many of the rejected were taken now; undefined if there is no such export. */
  async retry(name: string): Promise<number | undefined> {
    return this.#exporters.find(({ config }) => config.to === name)?.retry();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#exporters.map((exporter) => exporter.stop()));
    const { outbox, holder, log } = this.#exporting;
    // A database that is away now finds out by the leases' end.
    await outbox.leases.leave(holder).catch((error: unknown) => {
      log.warn({ err: error }, "leases cannot be given back");
    });
  }

  /**
   * What was sent is all that the reader has passed but what is rejected, so that accepting a rejection is one
   * deletion. The reader is asked again at the end: had it moved on meanwhile, the sums would be of two moments.
   */
  async #report(exporter: Exporter): Promise<ExportReport> {
    const { readers, exports } = this.#exporting.outbox;
    const { to: name } = exporter.config;
    for (;;) {
      const { seq: cursor, rows: postings, charge } = await readers.at(exporter.reader);
      const [rejections, ledger] = [await exports.rejections(name), await exports.charged(cursor)];
      const again = await readers.at(exporter.reader);
      if (again.seq !== cursor || again.rows !== postings) continue;
      const { error } = exporter;
      const open = totalOf(rejections.filter(({ seq }) => seq <= cursor));
      const sent = {
        postings: postings - open.postings,
        charge: nanoUsd(charge - open.charge),
      };
      return { name, cursor, sent, rejected: totalOf(rejections), ledger, error, rejections };
    }
  }
}

function totalOf(rejections: readonly Rejection[]): Total {
  const charge = rejections.reduce((sum, rejection) => sum + rejection.charge, 0n);
  return { postings: BigInt(rejections.length), charge: nanoUsd(charge) };
}
