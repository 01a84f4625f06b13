/** The text format of Prometheus, as far as our processes write it. */
export interface ScrapedMetric {
  type: string;
  help: string;
  series: { name: string; labels: Record<string, string>; value: number }[];
}

const SUFFIXES = /_(bucket|sum|count)$/;

/** Metrics by the name that they declare; throws for a line that is none of the format. */
export function parseMetrics(text: string): Map<string, ScrapedMetric> {
  const metrics = new Map<string, ScrapedMetric>();
  const named = (name: string): ScrapedMetric => {
    const metric = metrics.get(name) ?? { type: '', help: '', series: [] };
    metrics.set(name, metric);
    return metric;
  };
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = '', rest = ''] = meta;
      if (kind === 'TYPE') named(name).type = rest;
      else named(name).help = rest;
      continue;
    }
    const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '') throw new Error(`expected a line of Prometheus text, got ${line}`);
    const owner = metrics.has(name) ? name : name.replace(SUFFIXES, '');
    if (!metrics.has(owner)) throw new Error(`expected a TYPE before ${line}`);
    named(owner).series.push({ name, labels: parseLabels(labels), value: Number(value) });
  }
  return metrics;
}

const parseLabels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
