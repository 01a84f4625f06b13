/**
 * One line each for the Web UI and the `temporal` command: what a workflow is, and what each of its activities and
 * timers does. No sentence holds a prompt. The server takes 400 bytes for one.
 */
import type { GenerationFacts } from './activity-contract.js';
import { type FailureInfo, parseSubject, type SettleInput, type Subject, videoJobId } from './contract.js';
import type { Operation } from './operations.js';
import { asSummary, countText, spanText, usdText } from './shown-text.js';

/** In bytes. With all models named, so many are left for the name of a job. */
const MAX_JOB_NAME = 230;
const MAX_NAME = 120;

/** E.g. `clip 3 of 7`, or `music 1` where it is not known how many there are. */
export function nameOf(subject: Subject, facts?: Pick<GenerationFacts, 'of'>): string {
  const { kind, number } = parseSubject(subject);
  return facts === undefined ? `${kind} ${number}` : `${kind} ${number} of ${facts.of}`;
}

export interface JobInBrief {
  name: string;
  clipCount: number;
  models: readonly string[];
  resolution: string;
  budgetUsd: number | null;
}

/** E.g. `Villa Azul: 7 clips, veo-3.1 1080p, budget $9`. */
export function jobSummary({ name, clipCount, models, resolution, budgetUsd }: JobInBrief): string {
  const made = models.join(' + ');
  const what = clipCount === 0 ? `music, ${made}` : `${countText(clipCount, 'clip')}, ${made} ${resolution}`;
  const budget = budgetUsd === null ? '' : `, budget ${usdText(budgetUsd)}`;
  return `${asSummary(name, MAX_JOB_NAME)}: ${what}${budget}`;
}

export interface GenerationInBrief {
  subject: Subject;
  of: number;
  jobName: string;
  model?: string | undefined;
  durationSeconds?: number | undefined;
}

/** E.g. `clip 3 of 7 of Villa Azul: veo-3.1, 8 s`. */
export function generationSummary({ subject, of, jobName, model, durationSeconds }: GenerationInBrief): string {
  const facts = [model, durationSeconds === undefined ? undefined : `${durationSeconds} s`].filter(Boolean);
  return `${nameOf(subject, { of })} of ${asSummary(jobName, MAX_NAME)}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}`;
}

/** E.g. `Villa Azul: low webm`, `Villa Azul: 3 videos`. */
export const renditionSummary = (name: string, what: string): string => `${asSummary(name, MAX_JOB_NAME)}: ${what}`;

export const settleSummary = (subject: Subject, jobId: string): string =>
  `${nameOf(subject)} of job ${jobId}: a purchase that no running workflow owns`;

/** The static details of a settlement, as Markdown. */
export const settleDetails = ({ jobId, subject, purchaseId }: SettleInput): string =>
  `The purchase \`${purchaseId}\` of ${nameOf(subject)} of \`${videoJobId(jobId)}\` has no running workflow any more: what it ` +
  'gave is stored, since it is paid, and nothing has to be done.';

/** What the activities and timers of a job do. */
export const jobSentences = {
  plan: 'read the order and plan its clips',
  fetchImages: 'fetch the images that the order names by address',
  cut: (stored: number): string => `cut ${countText(stored, 'clip')} into the video`,
  previews: 'make poster, thumbnail and preview pictures',
  poster: 'make the poster',
  complete: 'note that the job is completed',
  end: (error: FailureInfo | null): string =>
    error === null ? 'note that the job was cancelled' : `note that the job failed: ${error.code}`,
  busy: (subject: Subject, pauseMs: number): string =>
    `${nameOf(subject)} is still at work in an earlier run, next look in ${spanText(pauseMs)}`,
  missingMusic: (subject: Subject): string => `note that ${nameOf(subject)} is missing too`,
};

/** What the activities and timers of a generation do. */
export const generationSentences = {
  prepare: (subject: Subject): string => `see what there is of ${nameOf(subject)}, and prepare its inputs`,
  buy: (subject: Subject, facts?: GenerationFacts): string =>
    `buy ${nameOf(subject, facts)}${facts === undefined ? '' : `, attempt ${facts.attempt}`}`,
  wait: (predictionId: string, pauseMs: number): string =>
    `wait for the webhook of ${predictionId}, next look in ${spanText(pauseMs)}`,
  look: (predictionId: string): string => `ask the provider about ${predictionId}`,
  collect: (subject: Subject, predictionId: string, facts?: GenerationFacts): string =>
    `fetch, check and store ${nameOf(subject, facts)} from ${predictionId}`,
  cancel: (subject: Subject): string => `cancel ${nameOf(subject)} at the provider`,
  failed: (subject: Subject, { code }: FailureInfo): string => `${nameOf(subject)} failed with ${code}: what follows?`,
  cancelled: (subject: Subject): string => `note that ${nameOf(subject)} is cancelled`,
  skipped: (subject: Subject): string => `note that ${nameOf(subject)} is skipped`,
  patience: (subject: Subject, patienceMs: number): string =>
    `wait for a decision about ${nameOf(subject)}, skip it after ${spanText(patienceMs)}`,
  decide: (subject: Subject, decision: string): string =>
    `carry out the decision about ${nameOf(subject)}: ${decision}`,
  resolve: (subject: Subject): string => `find out what became of the purchase of ${nameOf(subject)}`,
};

export const renditionSentences = {
  export: 'make the file that was asked for',
  combine: 'cut the videos into one',
  end: (error: FailureInfo | null): string =>
    error === null ? 'note that it was cancelled' : `note that it failed: ${error.code}`,
};

export const reconcileSentences = {
  runs: 'start the runs that are owed',
  ledger: 'compare ledger, workflows and provider, and mend what differs',
};

export const batchSentences = {
  plan: 'read which jobs are still to be done',
  work: (action: string, jobs: number): string => `${action} ${countText(jobs, 'job')}`,
  end: (error: FailureInfo | null): string =>
    error === null ? 'note how the batch ended' : `note that the batch failed: ${error.code}`,
};

export const selfTestSentences = {
  place: 'place a small order of our own',
  look: 'see how far it is',
  pause: (pauseMs: number): string => `next look in ${spanText(pauseMs)}`,
  giveUp: 'say why it is given up',
  check: 'check its video, its bytes and its cost',
};

export const sweepSentences = {
  media: 'delete media whose time is over',
  rows: 'delete rows that nobody needs any more',
  blobs: 'delete bytes that nothing refers to',
};

/** E.g. `retry job 0198...`. A reason and a prompt are for the row alone. */
export function operationSentence(operation: Operation): string {
  switch (operation.action) {
    case 'pause-purchasing':
      return 'pause all purchasing';
    case 'resume-purchasing':
      return 'let purchasing go on';
    case 'regenerate':
      return `make clip ${operation.clip} of job ${operation.jobId} again`;
    case 'retry':
    case 'cancel':
      return `${operation.action} job ${operation.jobId}`;
  }
}
