/** A generation as its texts tell it: one sentence, and Markdown for the Web UI. Pure, from what its workflow has seen. */
import type { GenerationFacts, TextLinks } from './activity-contract.js';
import { type FailureInfo, type GenerationInput, type GenerationOutcome, UPDATES, videoJobId } from './contract.js';
import { REMEDIES } from './remedies.js';
import { type GenerationInBrief, nameOf } from './sentences.js';
import { asCode, asMarkdown, asPage, oneLine, spanText, usdMarkdown, usdText } from './shown-text.js';

export interface ClipStory extends GenerationInput {
  facts?: GenerationFacts;
  predictionId?: string;
  /** What is being done or awaited, as half a sentence. */
  doing: string;
  /** Why it waits for a decision, and for how long at most. */
  waiting?: { error: FailureInfo; patienceMs: number } | undefined;
  outcome?: GenerationOutcome;
  /** What all attempts have cost so far, in US dollars. */
  costUsd: number;
}

const MAX_MESSAGE = 500;
const MAX_NAME = 100;

const ENDS: Record<GenerationOutcome['status'], string> = {
  stored: 'is stored',
  skipped: 'is skipped: the video is made without it',
  failed: 'failed',
  cancelled: 'was cancelled',
};

const errorOf = ({ waiting, outcome }: ClipStory): FailureInfo | undefined =>
  waiting?.error ?? (outcome !== undefined && 'error' in outcome ? outcome.error : undefined);

const beginning = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function state(story: ClipStory): string {
  if (story.outcome !== undefined) return ENDS[story.outcome.status];
  return story.waiting === undefined ? `is in the making: ${story.doing}` : 'waits for a decision';
}

/** The answer to the query `status`. */
export function clipStatus(story: ClipStory): string {
  const { facts, predictionId, costUsd } = story;
  const error = errorOf(story);
  const said = [
    `${beginning(nameOf(story.subject, facts))}${facts === undefined ? '' : ` of ${oneLine(facts.jobName, MAX_NAME)}`} ${state(story)}`,
    ...(error === undefined ? [] : [`${error.code}: ${error.message}`]),
    ...(facts === undefined ? [] : [`${facts.model}, attempt ${facts.attempt}`]),
    ...(predictionId === undefined ? [] : [`prediction ${predictionId}`]),
    `${usdText(costUsd)} spent so far`,
  ];
  return `${said.join('; ')}.`;
}

/** The generation's current details, as Markdown. */
export function clipDetails(story: ClipStory): string {
  const { facts, predictionId, costUsd, jobId, subject } = story;
  const error = errorOf(story);
  const job =
    facts?.links.workflows === undefined
      ? `job \`${jobId}\``
      : `[${asMarkdown(facts.jobName, MAX_NAME)}](${facts.links.workflows}/${videoJobId(jobId)})`;
  const made = [
    ...(facts === undefined ? [] : [`${facts.durationSeconds} s by \`${facts.model}\``, `attempt ${facts.attempt}`]),
    ...(predictionId === undefined ? [] : [`prediction ${asCode(predictionId)}`]),
    `spent so far ${usdMarkdown(costUsd)}`,
  ];
  return asPage([
    `### ${beginning(nameOf(subject, facts))} ${asMarkdown(state(story), MAX_MESSAGE)}`,
    ...(error === undefined ? [] : [`**Why:** \`${error.code}\`, ${asMarkdown(error.message, MAX_MESSAGE)}`]),
    ...(error === undefined ? [] : [`**What helps:** ${asMarkdown(REMEDIES[error.code], MAX_MESSAGE)}`]),
    ...(story.waiting === undefined ? [] : howToDecide(story, story.waiting.patienceMs)),
    ...bytes(story),
    `Part of ${job}. ${beginning(made.join(', '))}.`,
  ]);
}

function howToDecide({ facts }: ClipStory, patienceMs: number): string[] {
  const price = facts === undefined ? '' : ` for about ${usdMarkdown(facts.priceUsd)}`;
  const example = (decision: object): string => asCode(JSON.stringify(decision));
  return [
    '**How to decide:** on the tab **History**, **More Actions**, **Send an Update**: choose ' +
      `\`${UPDATES.decideClip}\`, type one of these as data, and **Submit**.`,
    [
      '| Data | What follows |',
      '|---|---|',
      `| ${example({ decision: 'retry' })} | it is bought once more${price} |`,
      `| ${example({ decision: 'retry', prompt: 'a quiet garden' })} | the same with another prompt |`,
      `| ${example({ decision: 'skip' })} | the video is made without it |`,
      `| ${example({ decision: 'fail' })} | the job fails; what is stored is kept |`,
    ].join('\n'),
    'A retry also takes `model`, `firstImage`, `lastImage` (`{"url": "https://..."}`) and `budgetUsd`.',
    `If nobody decides within ${spanText(patienceMs)} it is skipped. The other clips go on meanwhile.`,
  ];
}

function bytes({ facts, outcome, jobId, subject }: ClipStory): string[] {
  const api = facts?.links.api;
  if (outcome?.status !== 'stored' || api === undefined) return [];
  const [kind, number = ''] = subject.split(':');
  const path = kind === 'clip' ? `clips/clip_${number.padStart(3, '0')}.mp4` : `music/${number}`;
  return [`[${kind === 'clip' ? 'Watch it' : 'Listen to it'}](${api}/videos/${jobId}/${path})`];
}

/** The generation's static details: what it makes, and of which job. */
export function generationDetails(brief: GenerationInBrief, jobId: string, { workflows }: TextLinks): string {
  const name = asMarkdown(brief.jobName, MAX_NAME);
  const job = workflows === undefined ? name : `[${name}](${workflows}/${videoJobId(jobId)})`;
  const made = brief.model === undefined ? '' : ` ${brief.durationSeconds ?? ''} s by \`${brief.model}\`.`;
  return `${beginning(nameOf(brief.subject, brief))} of ${job}.${made} What it waits for stands under Current Details.`;
}
