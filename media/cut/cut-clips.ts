import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { settleAll } from '../ffmpeg/settle.js';
import { type CutOrder, type CutPlan, planCut } from '../plan/cut-plan.js';
import type { MediaProbe } from '../probe/media-probe.js';
import { type ClipProbe, probeClip } from '../probe/probe-clip.js';
import { probeMusic } from '../probe/probe-music.js';
import { type RunCutOptions, runCut } from './run-cut.js';

export interface CutClipsOptions extends Omit<RunCutOptions, 'inputs'> {
  /** The clips' paths, in playing order; at least one. They are numbered from 1. */
  inputs: readonly string[];
  /** What `probeClip` says of each of them, where that is known already. */
  probes?: readonly ClipProbe[] | undefined;
  order?: CutOrder | undefined;
  /** Gets the plan before it is run. */
  onPlan?: ((plan: CutPlan) => void) | undefined;
}

/** Probing waits for processes to start, which few enough of them do side by side. */
const PROBES_AT_ONCE = 2;

/**
 * Probes clips and music, plans their cut and runs it. Throws what both probes, `planCut` and `runCut` throw, and
 * RangeError where there is not one probe for each input.
 */
export async function cutClips(tools: MediaTools, options: CutClipsOptions): Promise<MediaProbe> {
  const { inputs: paths, probes: known, order, onPlan, ...run } = options;
  const inputs = paths.map((path, index) => ({ number: index + 1, path }));
  const { signal, timeLimitMs, killGraceMs } = run;
  const limits = { signal, timeLimitMs, killGraceMs };
  if (known !== undefined && known.length !== paths.length) {
    throw new RangeError(`a probe of each of ${paths.length} clips was expected, got ${known.length}`);
  }
  const probes = known ?? (await probeClips(tools, inputs, limits));
  const music = run.music && (await probeMusic(tools, run.music.path, limits));
  const plan = planCut(
    inputs.map(({ number }, index) => ({ number, probe: probes[index] as ClipProbe })),
    order,
    music,
  );
  onPlan?.(plan);
  return await runCut(tools, plan, { ...run, inputs });
}

/** Probes clips in order. Where several cannot be used, the first of them is named. Throws what `probeClip` throws. */
export async function probeClips(
  tools: MediaTools,
  inputs: readonly { number: number; path: string }[],
  limits: RunLimits = {},
): Promise<ClipProbe[]> {
  const probes: ClipProbe[] = [];
  for (let from = 0; from < inputs.length; from += PROBES_AT_ONCE) {
    const some = inputs.slice(from, from + PROBES_AT_ONCE);
    const seen = some.map(({ number, path }) => probeClip(tools, number, path, limits));
    probes.push(...(await settleAll(seen)));
  }
  return probes;
}
