/** The table at the end of a run of the chaos: what happened, whether that was enough, and the figures. */
import type { ChaosRun } from './chaos-run.js';
import type { Evidence } from './evidence.js';
import { adoptionsOf, describeFigures, figuresOf } from './figures.js';
import { PARTS } from './processes.js';

export interface ChaosReport {
  ok: boolean;
  text: string;
}

interface Check {
  ok: boolean;
  text: string;
}

export function reportOf(run: ChaosRun, evidence: Evidence): ChaosReport {
  const { plan } = run;
  const { jobs, clips, purchases, predictions, strays } = evidence;
  const figures = figuresOf(evidence);
  const kills = [...run.kills.values()].reduce((total, count) => total + count, 0);
  const adoptions = adoptionsOf(purchases, run.outages);
  const allAdoptions = adoptionsOf(purchases);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const checks: Check[] = [
    atLeast('jobs', jobs.length, plan.jobs, tally(jobs.map(({ status }) => status))),
    atLeast('clips', clips.length, plan.clips),
    atLeast('kills', kills, plan.kills, [...run.kills].map(([part, count]) => `${part} ${count}`).join(', ')),
    atLeast('parts killed', run.kills.size, PARTS.length),
    atLeast('freezes of the worker', run.freezes, 1),
    atLeast('lost answers found while no part was down', adoptions.count, 1),
    {
      ok: adoptions.maxMs <= plan.adoptionLimitMs,
      text:
        `found after ${seconds(adoptions.medianMs)} (median), ${seconds(adoptions.maxMs)} (longest), at most ` +
        `${seconds(plan.adoptionLimitMs)}; with those while a part was down: ${allAdoptions.count}, ` +
        `${seconds(allAdoptions.medianMs)}, ${seconds(allAdoptions.maxMs)}`,
    },
  ];
  const text = [
    '',
    `seed ${plan.seed}: ${predictions.length} predictions at the provider (${tally(predictions.map(({ status }) => status))})`,
    `attempts in the ledger: ${purchases.length} (${tally(purchases.map(({ state }) => state))}), strays: ${strays.length}, cancels: ${run.cancels}`,
    `opened by: ${tally(purchases.map(({ openedBy }) => openedBy))}`,
    '',
    ...checks.map((check) => `${check.ok ? 'ok   ' : 'WRONG'}  ${check.text}`),
    describeFigures(figures),
    '',
  ].join('\n');
  return { ok: [...checks, ...figures].every(({ ok }) => ok), text };
}

function atLeast(what: string, seen: number, least: number, detail = ''): Check {
  return {
    ok: seen >= least,
    text: `${String(seen).padStart(8)}  ${what}, at least ${least}${detail && ` (${detail})`}`,
  };
}

function tally(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([value, count]) => `${value} ${count}`)
    .join(', ');
}
