/** What each process starts first and ends last: traces, and figures on a port of their own. */
import { createDatabaseFigures } from './database-figures.js';
import { buildInfo, type PoolState, serveProcessFigures } from './metrics.js';
import { type MetricsServer, startMetricsServer } from './metrics-server.js';
import type { ProcessName, Sample } from './metrics-table.js';

export interface FiguresOptions {
  /** Undefined: nothing is served. */
  port: number | undefined;
  host: string;
  process: ProcessName;
  /** The build of the workers; empty in the api, which has none. */
  buildId: string;
  pools: Readonly<Record<string, () => PoolState>>;
  /** The figures that are read from Postgres. */
  read: () => Promise<readonly Sample[]>;
  /** Other parts of the scrape, as Prometheus text. */
  parts?: readonly (() => Promise<string>)[];
  onTrouble: (error: unknown) => void;
}

/** Serves the figures of this process and of the database; undefined where no port is given. */
export async function serveFigures(options: FiguresOptions): Promise<MetricsServer | undefined> {
  const { port, host, process, buildId, pools, read, parts = [], onTrouble } = options;
  if (port === undefined) return undefined;
  buildInfo.set({ process, build_id: buildId }, 1);
  serveProcessFigures(process, pools);
  const database = createDatabaseFigures(read, onTrouble);
  return await startMetricsServer({ host, port, parts: [() => database.text(), ...parts], onTrouble });
}
