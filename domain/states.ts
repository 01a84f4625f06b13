/** The states of a job and of a clip: one union each, shared by the tables, the workflows and the API. */

export const JOB_STATES = [
  'queued',
  'planning',
  'awaiting_approval',
  'generating',
  'needs_attention',
  'composing',
  'completed',
  'completed_with_gaps',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const CLIP_STATES = [
  'pending',
  'generating',
  'storing',
  'stored',
  'needs_attention',
  'skipped',
  'failed',
  'cancelled',
] as const;
export type ClipState = (typeof CLIP_STATES)[number];

/** States from which only an action (retry, regenerate) leads on. */
export const FINAL_JOB_STATES = ['completed', 'completed_with_gaps', 'failed', 'cancelled'] as const;
export type FinalJobState = (typeof FINAL_JOB_STATES)[number];

export type ClipCounts = Record<ClipState, number>;

/** How many of `states` are in each state; every state is present. */
export function countClips(states: readonly ClipState[]): ClipCounts {
  const counts = Object.fromEntries(CLIP_STATES.map((state) => [state, 0])) as ClipCounts;
  for (const state of states) counts[state] += 1;
  return counts;
}

export interface JobProgress {
  stage: JobState;
  /** 0 to 100; 100 only for a finished video. */
  percent: number;
  message: string;
  clips: ClipCounts & { total: number };
}

/** Of a job's time about nine tenths is the clips; the rest is the cut. */
const CLIPS_SHARE = 90;
const CLIP_SHARES: Record<ClipState, number> = {
  pending: 0,
  generating: 0.3,
  storing: 0.9,
  stored: 1,
  needs_attention: 0.3,
  skipped: 1,
  failed: 1,
  cancelled: 1,
};

/** What a person waiting for the video is told, by the states and how much of the cut is done, 0 to 1. */
export function jobProgress(stage: JobState, clipStates: readonly ClipState[], cutFraction = 0): JobProgress {
  const counts = countClips(clipStates);
  const total = clipStates.length;
  const done = clipStates.reduce((sum, state) => sum + CLIP_SHARES[state], 0);
  const clipsPercent = total === 0 ? 0 : Math.floor((done / total) * CLIPS_SHARE);
  const cutPercent = Math.floor(CLIPS_SHARE + cutFraction * (99 - CLIPS_SHARE));
  return {
    stage,
    percent: isFinished(stage) ? 100 : stage === 'composing' ? cutPercent : clipsPercent,
    message: progressMessage(stage, counts.stored, total),
    clips: { ...counts, total },
  };
}

const isFinished = (stage: JobState): boolean => stage === 'completed' || stage === 'completed_with_gaps';

/** The same for a job of music alone, whose pieces have the states of clips. */
export function musicProgress(stage: JobState, pieceStates: readonly ClipState[]): JobProgress {
  const { percent, clips: pieces } = jobProgress(stage, pieceStates);
  const made = `${pieces.stored} of ${pieces.total} pieces of music stored`;
  const message = isFinished(stage) ? `The music is ready; ${made}` : made;
  return { stage, percent, message, clips: { ...countClips([]), total: 0 } };
}

function progressMessage(stage: JobState, stored: number, total: number): string {
  switch (stage) {
    case 'queued':
      return 'Waiting to start';
    case 'planning':
      return 'Planning the clips';
    case 'awaiting_approval':
      return 'Waiting for approval';
    case 'generating':
      return `${stored} of ${total} clips stored`;
    case 'needs_attention':
      return `A clip waits for a decision; ${stored} of ${total} clips stored`;
    case 'composing':
      return `Cutting ${stored} clips together`;
    case 'completed':
      return 'The video is ready';
    case 'completed_with_gaps':
      return stored === total
        ? 'The video is ready without its music'
        : `The video is ready with ${stored} of ${total} clips`;
    case 'failed':
      return `Failed; ${stored} of ${total} clips stored`;
    case 'cancelled':
      return `Cancelled; ${stored} of ${total} clips stored`;
  }
}
