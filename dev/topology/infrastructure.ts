/** What stands below the product's own processes in production: Postgres, and a Temporal server and Web UI on it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgresHome } from '../install/postgres-home.js';
import { postgresPart } from '../parts/postgres.js';
import { TEMPORAL_NAMESPACE } from '../parts/temporal.js';
import { readText, writePrivateText } from '../supervisor/json-file.js';
import { choosePorts } from '../supervisor/ports.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { registerNamespace } from './register-namespace.js';
import { prepareTemporalDatabase } from './temporal-database.js';
import { TEMPORAL_PORTS, type TemporalPartsOptions, temporalServerPart, temporalUiPart } from './temporal-parts.js';
import { ensureTemporalPrograms } from './temporal-programs.js';

export interface InfrastructureOptions {
  /** The checkout. */
  root: string;
  /** Where data lies. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /** Restarts what dies, as a container engine would. */
  supervisor: Supervisor;
  print: (line: string) => void;
  signal?: AbortSignal | undefined;
}

export interface Infrastructure {
  databaseUrl: string;
  temporal: { address: string; namespace: string };
  /** Of the server's own HTTP API. */
  temporalHttpUrl: string;
  temporalUiUrl: string;
}

/** The names under which a supervisor knows the parts, in the order of their stopping. */
export const INFRASTRUCTURE_PARTS = [['temporalUi'], ['temporal'], ['postgres']] as const;

/** Resolves once all of it is healthy, and jobs can be started. @throws NotInstalledError, PartStartError */
export async function startInfrastructure(options: InfrastructureOptions): Promise<Infrastructure> {
  const { root, folder, env, supervisor, print, signal } = options;
  const programs = await ensureTemporalPrograms({ root, env, signal });
  const ports = await choosePorts(join(folder, 'ports.json'), ['postgres', ...TEMPORAL_PORTS]);
  const home = await findPostgresHome({ folder: join(folder, 'postgres') });
  if (home.notice !== undefined) print(home.notice);
  const { spec, databaseUrl } = await postgresPart(home, ports.postgres);
  await supervisor.start(spec);
  const password = keptSecret(join(folder, 'temporal-password'));
  await prepareTemporalDatabase({ sqlTool: programs.sqlTool, adminUrl: databaseUrl, password, signal });
  const temporalFolder = join(folder, 'temporal');
  mkdirSync(temporalFolder, { recursive: true, mode: 0o700 });
  const parts: TemporalPartsOptions = {
    root,
    folder: temporalFolder,
    programs,
    ports,
    postgresPort: ports.postgres,
    password,
  };
  await supervisor.start(temporalServerPart(parts));
  const address = `127.0.0.1:${ports.FRONTEND_GRPC_PORT}`;
  await Promise.all([registerNamespace(address, TEMPORAL_NAMESPACE), supervisor.start(temporalUiPart(parts))]);
  return {
    databaseUrl,
    temporal: { address, namespace: TEMPORAL_NAMESPACE },
    temporalHttpUrl: `http://127.0.0.1:${ports.FRONTEND_HTTP_PORT}`,
    temporalUiUrl: `http://127.0.0.1:${ports.TEMPORAL_UI_PORT}`,
  };
}

/** The secret in the file, which is made where it is missing. */
export function keptSecret(path: string): string {
  const kept = readText(path)?.trim();
  if (kept !== undefined && kept !== '') return kept;
  const made = randomBytes(24).toString('hex');
  writePrivateText(path, `${made}\n`);
  return made;
}
