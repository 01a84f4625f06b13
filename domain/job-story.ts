/** A job as its texts tell it: one sentence, and Markdown for the Web UI. Pure, from what its workflow has seen. */
import type { JobPlan, TextLinks } from './activity-contract.js';
import {
  clipSubject,
  type FailureInfo,
  generationId,
  musicSubject,
  parseSubject,
  type Spent,
  type Subject,
  TASK_QUEUE,
  type VideoJobResult,
  WORKFLOW_TYPES,
} from './contract.js';
import { roundUsd } from './models.js';
import { REMEDIES } from './remedies.js';
import { asCode, asMarkdown, asPage, countText, usdMarkdown, usdText } from './shown-text.js';
import { FINAL_JOB_STATES, type JobState } from './states.js';

/** What has become of one clip or piece of music, as its job sees it. */
export type PartState = 'waiting' | 'making' | 'needs_attention' | 'stored' | 'skipped' | 'failed' | 'cancelled';

export interface PartStory extends Spent {
  state: PartState;
  error?: FailureInfo | undefined;
}

export interface JobStory {
  jobId: string;
  stage: JobState;
  plan?: JobPlan;
  parts: Map<Subject, PartStory>;
  result?: VideoJobResult;
  /** Why it failed. */
  error?: FailureInfo;
}

const STAGES: Record<JobState, string> = {
  queued: 'It is about to start',
  planning: 'Images are being fetched; nothing is bought yet',
  awaiting_approval: 'It waits for approval',
  generating: 'Clips are being made',
  needs_attention: 'It waits for a person',
  composing: 'The video is being cut',
  completed: 'It is done',
  completed_with_gaps: 'It is done, with gaps',
  failed: 'It failed',
  cancelled: 'It was cancelled',
};

const PARTS: Record<PartState, string> = {
  waiting: 'waits for its turn',
  making: 'in the making',
  needs_attention: '**waits for a decision**',
  stored: 'stored',
  skipped: 'skipped',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** A table of a hundred clips is no overview, and travels in an address: so many lines, those that wait first. */
const MAX_LINES = 20;
const MAX_MESSAGE = 300;
const MAX_NAME = 100;

const nameOfJob = ({ plan, jobId }: JobStory): string => plan?.facts?.name ?? plan?.summary ?? `Job ${jobId}`;

/** What all parts have cost so far, or the whole of a job that is done. */
const spentUsd = ({ parts, result }: JobStory): number =>
  result?.costUsd ?? roundUsd([...parts.values()].reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0));

const isOver = ({ stage }: JobStory): boolean => FINAL_JOB_STATES.some((final) => final === stage);

const subjectsOf = ({ plan }: JobStory): Subject[] => [
  ...(plan?.clips ?? []).map(clipSubject),
  ...(plan?.music ?? []).map(musicSubject),
];

const partOf = ({ parts }: JobStory, subject: Subject): PartStory => parts.get(subject) ?? { state: 'waiting' };

const isClip = (subject: Subject): boolean => parseSubject(subject).kind === 'clip';

function storedText(story: JobStory): string {
  const clips = subjectsOf(story).filter(isClip);
  const stored = clips.filter((subject) => partOf(story, subject).state === 'stored').length;
  return `${stored} of ${countText(clips.length, 'clip')} stored`;
}

/** The answer to the query `status`. */
export function jobStatus(story: JobStory): string {
  const waiting = subjectsOf(story).filter((subject) => partOf(story, subject).state === 'needs_attention');
  const name = nameOfJob(story);
  const waits = waiting.map((subject) => {
    const { error } = partOf(story, subject);
    return `clip ${parseSubject(subject).number} waits for a decision${error === undefined ? '' : ` (${error.code})`}`;
  });
  const failure = story.error === undefined ? [] : [`${story.error.code}: ${story.error.message}`];
  const progress = story.plan === undefined || story.plan.clips.length === 0 ? [] : [storedText(story)];
  const spent = `${usdText(spentUsd(story))} spent${isOver(story) ? '' : ' so far'}`;
  const facts = [...failure, ...progress, ...waits, spent];
  return `${name}: ${STAGES[story.stage].toLowerCase()}; ${facts.join('; ')}.`;
}

/** The job's current details, as Markdown. */
export function jobDetails(story: JobStory): string {
  const facts = story.plan?.facts;
  const links = facts?.links ?? {};
  const budget = facts?.budgetUsd == null ? '' : ` of a budget of ${usdMarkdown(facts.budgetUsd)}`;
  const progress = story.plan === undefined || story.plan.clips.length === 0 ? '' : ` ${storedText(story)}.`;
  const waiting = subjectsOf(story).filter((subject) => partOf(story, subject).state === 'needs_attention');
  return asPage([
    `### ${asMarkdown(nameOfJob(story), MAX_NAME)}`,
    `**${STAGES[story.stage]}.**${progress} Spent${isOver(story) ? '' : ' so far'}: ${usdMarkdown(spentUsd(story))}${budget}.`,
    ...ending(story, links),
    ...waiting.slice(0, MAX_LINES).map((subject) => asksFor(story, subject, links)),
    ...table(story, links),
  ]);
}

function ending({ jobId, result, error, stage }: JobStory, { api, workflows }: TextLinks): string[] {
  if (error !== undefined) {
    const why = `Why: \`${error.code}\`, ${asMarkdown(error.message, MAX_MESSAGE)}`;
    return [why, `**What to do:** ${asMarkdown(REMEDIES[error.code], MAX_MESSAGE)}`, ...howToRetry(jobId, workflows)];
  }
  if (stage === 'completed_with_gaps') return [...video(jobId, result, api), ...howToRetry(jobId, workflows)];
  return video(jobId, result, api);
}

function video(jobId: string, result: VideoJobResult | undefined, api: string | undefined): string[] {
  if (result === undefined || api === undefined) return [];
  const seconds = Math.round(result.durationSeconds * 10) / 10;
  return [`**[The video](${api}/videos/${jobId}/combined)**: ${seconds} s, ${sizeText(result.sizeBytes)}.`];
}

const sizeText = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** A workflow that is closed takes no message: another one does what is asked. */
function howToRetry(jobId: string, workflows: string | undefined): string[] {
  const query = `workflowId=operate-${jobId}&taskQueue=${TASK_QUEUE}&workflowType=${WORKFLOW_TYPES.operate}`;
  const form = '**Start Workflow**';
  const linked = workflows === undefined ? form : `[${form}](${workflows}/start-workflow?${query})`;
  return [
    `To run it again (what is stored is kept): ${linked} with the task queue \`${TASK_QUEUE}\`, the type ` +
      `\`${WORKFLOW_TYPES.operate}\` and as input:`,
    asCode(JSON.stringify({ action: 'retry', jobId })),
  ];
}

function asksFor(story: JobStory, subject: Subject, { workflows }: TextLinks): string {
  const { error } = partOf(story, subject);
  const why = error === undefined ? '' : `: \`${error.code}\`, ${asMarkdown(error.message, MAX_MESSAGE)}`;
  const { number } = parseSubject(subject);
  const page = linkTo(`clip ${number}`, workflows, generationId(story.jobId, subject));
  return `**Clip ${number} waits for a decision**${why}. Open ${page}: its User Metadata say how to decide.`;
}

const linkTo = (text: string, base: string | undefined, path: string): string =>
  base === undefined ? text : `[${text}](${base}/${path})`;

function table(story: JobStory, { workflows, api }: TextLinks): string[] {
  const subjects = subjectsOf(story);
  if (subjects.length === 0) return [];
  const order: PartState[] = ['needs_attention', 'failed', 'skipped', 'cancelled', 'making', 'waiting', 'stored'];
  const rank = (subject: Subject): number => order.indexOf(partOf(story, subject).state);
  const shown =
    subjects.length <= MAX_LINES ? subjects : [...subjects].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_LINES);
  const lines = shown.map((subject) => {
    const { kind, number } = parseSubject(subject);
    const { state, error, costUsd } = partOf(story, subject);
    const file = kind === 'clip' ? `clips/clip_${String(number).padStart(3, '0')}.mp4` : `music/${number}`;
    const bytes =
      state === 'stored' ? linkTo(kind === 'clip' ? 'watch' : 'listen', api, `videos/${story.jobId}/${file}`) : '';
    const reason = error === undefined ? '' : ` (\`${error.code}\`)`;
    const page = linkTo(`${kind} ${number}`, workflows, generationId(story.jobId, subject));
    return `| ${page} | ${PARTS[state]}${reason} | ${costUsd === undefined ? '' : usdMarkdown(costUsd)} | ${bytes} |`;
  });
  const rest = subjects.length - shown.length;
  return [
    ['| | State | Cost | |', '|---|---|---|---|', ...lines].join('\n'),
    ...(rest > 0 ? [`... and ${rest} more, which are in no worse state.`] : []),
  ];
}

/** What is told of a job at its start and stays: the order, as Markdown. Money is US dollars. */
export interface OrderInBrief {
  jobId: string;
  runNumber: number;
  name: string;
  kind: string;
  clipCount: number;
  musicCount: number;
  models: readonly string[];
  resolution: string;
  aspectRatio: string;
  generateAudio: boolean;
  onClipFailure: 'wait' | 'skip' | 'fail';
  estimatedCostUsd: number;
  budgetUsd: number | null;
}

const ON_FAILURE = {
  wait: 'it waits for a decision',
  skip: 'the video is made without it',
  fail: 'the job fails',
};

/** The job's static details. */
export function orderDetails(order: OrderInBrief): string {
  const picture = `${order.resolution}, ${order.aspectRatio}, ${order.generateAudio ? 'with sound' : 'without sound of its own'}`;
  const parts = [
    ...(order.clipCount > 0 ? [countText(order.clipCount, 'clip')] : []),
    ...(order.musicCount > 0 ? [countText(order.musicCount, 'piece of music', 'pieces of music')] : []),
  ];
  const budget = order.budgetUsd === null ? 'no budget of its own' : `budget ${usdMarkdown(order.budgetUsd)}`;
  return asPage([
    `**${asMarkdown(order.name, MAX_NAME)}** (${order.kind}), run ${order.runNumber}`,
    `Ordered: ${parts.join(' and ')}, made with ${order.models.map(asCode).join(', ')}${order.clipCount > 0 ? `; ${picture}` : ''}.`,
    `Estimate ${usdMarkdown(order.estimatedCostUsd)}, ${budget}.`,
    ...(order.clipCount > 0 ? [`Where a clip cannot be had, ${ON_FAILURE[order.onClipFailure]}.`] : []),
    `Job \`${order.jobId}\`.`,
  ]);
}
