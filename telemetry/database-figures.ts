/** Figures that are read from Postgres when somebody scrapes, once for all who ask at the same time. */
import { METRICS, type MetricName, type Sample } from './metrics-table.js';

/** Scrapes that come sooner get the same figures, so that no number of scrapers costs the database more. */
const FRESH_MS = 10_000;
/** Below the 10 s that Prometheus gives a scrape: a database that is slow must not hide what the process counts. */
const LIMIT_MS = 6_000;

export interface DatabaseFigures {
  /** Prometheus text of the figures; without them, and with `reelwright_database_up` 0, where they cannot be had. */
  text(): Promise<string>;
}

/** @param read one set of cheap queries; @param onTrouble told when it fails */
export function createDatabaseFigures(
  read: () => Promise<readonly Sample[]>,
  onTrouble: (error: unknown) => void,
  { freshMs = FRESH_MS, limitMs = LIMIT_MS }: { freshMs?: number; limitMs?: number } = {},
): DatabaseFigures {
  let last: { at: number; text: Promise<string> } | undefined;
  const readText = async (): Promise<string> => {
    try {
      return render([...(await within(limitMs, read())), { metric: 'reelwright_database_up', value: 1 }]);
    } catch (error) {
      onTrouble(error);
      return render([{ metric: 'reelwright_database_up', value: 0 }]);
    }
  };
  return {
    text() {
      const now = performance.now();
      if (last === undefined || now - last.at >= freshMs) last = { at: now, text: readText() };
      return last.text;
    },
  };
}

/** Rejects where `work` takes longer; it goes on then, and its failure is nobody's any more. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`expected the figures of the database within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats). */
function render(samples: readonly Sample[]): string {
  const names = [...new Set(samples.map(({ metric }) => metric))];
  const linesOf = (name: MetricName): string =>
    samples
      .filter(({ metric }) => metric === name)
      .map(line)
      .join('');
  return names.map((name) => head(name) + linesOf(name)).join('');
}

const head = (name: MetricName): string =>
  `# HELP ${name} ${METRICS[name].help}\n# TYPE ${name} ${METRICS[name].type}\n`;

function line({ metric, labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
  return `${metric}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

const escape = (text: string): string => text.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));
