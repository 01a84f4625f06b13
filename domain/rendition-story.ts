/** An export or a combination as its texts tell it. Pure. */
import { type FailureInfo, type RenditionResult, videoJobId } from './contract.js';
import { REMEDIES } from './remedies.js';
import type { RenditionKind, RenditionState } from './renditions.js';
import { asMarkdown, asPage } from './shown-text.js';

export interface RenditionStory {
  state: RenditionState;
  result?: RenditionResult;
  error?: FailureInfo | null;
}

const STATES: Record<RenditionState, string> = {
  queued: 'It waits for its turn',
  running: 'It is being made; one at a time in each media worker',
  completed: 'It is done',
  failed: 'It failed',
  cancelled: 'It was cancelled',
};

const MAX_MESSAGE = 500;

/** The answer to the query `status`. */
export function renditionStatus({ state, result, error }: RenditionStory): string {
  const made = result === undefined ? '' : `: ${result.durationSeconds} s, ${result.sizeBytes} bytes`;
  return `${STATES[state]}${made}${error == null ? '' : `: ${error.code}: ${error.message}`}.`;
}

/** Its current details, as Markdown. */
export function renditionDetails(story: RenditionStory): string {
  const { error } = story;
  if (error == null) return `**${asMarkdown(renditionStatus(story), MAX_MESSAGE)}**`;
  return asPage([
    `**${STATES[story.state]}.**`,
    `Why: \`${error.code}\`, ${asMarkdown(error.message, MAX_MESSAGE)}`,
    `**What to do:** ${asMarkdown(REMEDIES[error.code], MAX_MESSAGE)}`,
  ]);
}

export interface RenditionOrder {
  id: string;
  kind: RenditionKind;
  name: string;
  format: string;
  /** Null for a combination. */
  quality: string | null;
  sources: readonly { jobId: string }[];
}

const MAX_NAME = 100;

/** Its static details: what was asked for, as Markdown. */
export function renditionOrder({ id, kind, name, format, quality, sources }: RenditionOrder): string {
  const of = sources.map(({ jobId }) => `\`${videoJobId(jobId)}\``).join(', ');
  const what = kind === 'export' ? `an export as ${format}, quality ${quality}` : `${sources.length} videos as one`;
  return asPage([`**${asMarkdown(name, MAX_NAME)}**: ${what}`, `From ${of}.`, `Its id is \`${id}\`.`]);
}
