/** The Temporal server and its Web UI as parts, configured by the files that docker-compose.yml mounts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { foreignPart } from '../supervisor/foreign-command.js';
import type { PartSpec } from '../supervisor/part.js';
import { acceptsConnections, answersOk } from '../supervisor/probe.js';
import type { TemporalPrograms } from './temporal-programs.js';

/** Every port that the server listens on, by the variable of `deploy/temporal/production.yaml` that sets it. */
const SERVER_PORTS = [
  'FRONTEND_GRPC_PORT',
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
] as const;
export const TEMPORAL_PORTS = [...SERVER_PORTS, 'TEMPORAL_UI_PORT'] as const;
export type TemporalPorts = Record<(typeof TEMPORAL_PORTS)[number], number>;

export interface TemporalPartsOptions {
  /** The checkout. */
  root: string;
  /** For what the parts need at run time. */
  folder: string;
  programs: TemporalPrograms;
  ports: TemporalPorts;
  postgresPort: number;
  /** Of the role `temporal`. */
  password: string;
  dynamicConfigPath?: string | undefined;
}

export function temporalServerPart(options: TemporalPartsOptions): PartSpec {
  const { root, programs, ports, postgresPort, password } = options;
  const config = join(root, 'deploy/temporal');
  return {
    name: 'temporal',
    command: foreignPart({
      file: programs.server,
      args: ['--root', '/', '--config', config, '--env', 'production', '--allow-no-auth', 'start'],
      cwd: options.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: options.folder,
        POSTGRES_ADDRESS: `127.0.0.1:${postgresPort}`,
        POSTGRES_PASSWORD: password,
        // The embedded Postgres has 100 connections for everybody.
        SQL_MAX_CONNS: '8',
        SQL_VISIBILITY_MAX_CONNS: '4',
        DYNAMIC_CONFIG_FILE_PATH: options.dynamicConfigPath ?? join(config, 'dynamic-config.yaml'),
        ...Object.fromEntries(SERVER_PORTS.map((name) => [name, String(ports[name])])),
      },
      deathSignal: 'TERM',
    }),
    isReady: () => acceptsConnections(ports.FRONTEND_GRPC_PORT),
    readyLimitMs: 60_000,
    stopSignal: 'SIGTERM',
    stopLimitMs: 20_000,
  };
}

export function temporalUiPart({ folder, programs, ports }: TemporalPartsOptions): PartSpec {
  const address = `http://127.0.0.1:${ports.TEMPORAL_UI_PORT}`;
  const config = join(folder, 'ui');
  mkdirSync(config, { recursive: true, mode: 0o700 });
  const settings = {
    temporalGrpcAddress: `127.0.0.1:${ports.FRONTEND_GRPC_PORT}`,
    host: '127.0.0.1',
    port: ports.TEMPORAL_UI_PORT,
    enableUi: true,
    defaultNamespace: 'default',
    notifyOnNewVersion: false,
    cors: { allowOrigins: [address], cookieInsecure: true },
  };
  // JSON is YAML.
  writeFileSync(join(config, 'production.yaml'), JSON.stringify(settings));
  return {
    name: 'temporalUi',
    command: foreignPart({
      file: programs.ui,
      args: ['--root', '/', '--config', config, '--env', 'production', 'start'],
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder },
      deathSignal: 'TERM',
    }),
    isReady: () => answersOk(`${address}/healthz`),
    readyLimitMs: 30_000,
    stopSignal: 'SIGTERM',
    stopLimitMs: 5_000,
  };
}
