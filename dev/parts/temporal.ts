/** The embedded Temporal: the CLI's dev server with its Web UI, state on disk. */
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../domain/contract.js';
import { foreignPart } from '../supervisor/foreign-command.js';
import type { PartSpec } from '../supervisor/part.js';
import { acceptsConnections, fetchText } from '../supervisor/probe.js';

export const TEMPORAL_NAMESPACE = 'default';

/** The dev server's words for the types of search attributes. */
const ATTRIBUTE_TYPES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList', BOOL: 'Bool' } as const;

/** Settings of the server that this product counts on, for tests as well. Values are JSON. */
export const DYNAMIC_CONFIG: Readonly<Record<string, string>> = {
  // Fairness between owners needs the new matcher.
  'matching.useNewMatcher': 'true',
  'matching.enableFairness': 'true',
  // Without it every timer below a second takes a whole one.
  'history.timerProcessorMaxTimeShift': '"10ms"',
};

export interface TemporalPartOptions {
  /** The Temporal CLI. */
  path: string;
  port: number;
  uiPort: number;
  /** Holds the server's database. */
  folder: string;
}

export function temporalPart(options: TemporalPartOptions): PartSpec {
  const { port, uiPort } = options;
  const repeat = (flag: string, values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  return {
    name: 'temporal',
    command: foreignPart({
      file: options.path,
      args: [
        'server',
        'start-dev',
        '--ip=127.0.0.1',
        `--port=${port}`,
        `--ui-port=${uiPort}`,
        `--namespace=${TEMPORAL_NAMESPACE}`,
        `--db-filename=${join(options.folder, 'temporal.db')}`,
        // So that a killed server finds everything again that it had acknowledged.
        ...repeat('--sqlite-pragma', { journal_mode: 'wal', synchronous: '1' }),
        // Before any start: a workflow that sets an unregistered one cannot be started.
        ...repeat('--search-attribute', searchAttributes()),
        ...repeat('--dynamic-config-value', DYNAMIC_CONFIG),
        '--log-level=warn',
        '--log-format=json',
        '--color=never',
        '--disable-config-file',
      ],
      cwd: options.folder,
      // Neither TEMPORAL_* nor the settings files of whoever runs this: they name other servers.
      env: { PATH: process.env['PATH'], HOME: options.folder },
      deathSignal: 'INT',
    }),
    isReady: () => isReady(port, uiPort),
    readyLimitMs: 60_000,
    stopSignal: 'SIGINT',
    stopLimitMs: 5_000,
  };
}

function searchAttributes(): Record<string, string> {
  const rows = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, ATTRIBUTE_TYPES[type]]);
  return Object.fromEntries(rows) as Record<string, string>;
}

/** The Web UI is asked only once the server listens: it waits a second after a refused connection. */
async function isReady(port: number, uiPort: number): Promise<boolean> {
  if (!(await acceptsConnections(port))) return false;
  const url = `http://127.0.0.1:${uiPort}/api/v1/namespaces/${TEMPORAL_NAMESPACE}/search-attributes`;
  const text = await fetchText(url);
  return text !== undefined && Object.keys(SEARCH_ATTRIBUTES).every((name) => text.includes(`"${name}"`));
}
