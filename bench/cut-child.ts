/** Cuts once in a process of its own that has loaded what the media worker loads, so that its peak memory is a worker's. */
import '../worker/workers.js';
import { type CutClipsOptions, cutClips } from '../media/cut/cut-clips.js';
import type { MediaTools } from '../media/ffmpeg/media-tools.js';

export interface CutTask {
  tools: MediaTools;
  options: Pick<CutClipsOptions, 'inputs' | 'probes' | 'output' | 'workDir' | 'order' | 'music'>;
}

export interface CutAnswer {
  milliseconds: number;
  peakRssMb: number;
}

async function cut({ tools, options }: CutTask): Promise<CutAnswer> {
  const began = performance.now();
  await cutClips(tools, options);
  const milliseconds = performance.now() - began;
  return { milliseconds, peakRssMb: (process.resourceUsage().maxRSS * 1024) / 1e6 };
}

process.once('message', (task: CutTask) => {
  cut(task).then(
    (answer) => process.send?.(answer, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.send?.('ready');
