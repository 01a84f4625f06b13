/** What a job shows of itself while it runs and after: its current details and the answer to the query `status`. */
import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { JobPlan } from '../domain/activity-contract.js';
import {
  clipSubject,
  type FailureInfo,
  type GenerationOutcome,
  type Subject,
  type VideoJobInput,
  type VideoJobResult,
} from '../domain/contract.js';
import { type JobStory, jobDetails, jobStatus } from '../domain/job-story.js';
import type { JobState } from '../domain/states.js';
import { status } from './messages.js';

export interface JobBoard {
  /** The plan, once it is known. */
  plan: JobPlan | undefined;
  planned(plan: JobPlan): void;
  stage(stage: JobState): void;
  started(subject: Subject): void;
  /** A clip waits for a decision (`error` is why), or waits no more (null). */
  attention(number: number, error: FailureInfo | null): void;
  ended(subject: Subject, outcome: GenerationOutcome): void;
  /** How many clips are stored. */
  stored(): number;
  completed(result: VideoJobResult): void;
  failed(error: FailureInfo): void;
}

/** Nothing of it is a command: what it shows is asked for, and costs no event. */
export function jobBoard({ jobId }: VideoJobInput): JobBoard {
  const story: JobStory = { jobId, stage: 'queued', parts: new Map() };
  const show = (): void => setCurrentDetails(jobDetails(story));
  setHandler(status, () => jobStatus(story), { description: 'What the job does at this moment, in a sentence' });
  show();
  return {
    plan: undefined,
    planned(plan) {
      story.plan = plan;
      this.plan = plan;
      show();
    },
    stage(stage) {
      story.stage = stage;
      show();
    },
    started(subject) {
      story.parts.set(subject, { ...story.parts.get(subject), state: 'making', error: undefined });
      show();
    },
    attention(number, error) {
      const subject = clipSubject(number);
      const part = story.parts.get(subject);
      // The clip may have ended before its job hears of its wait.
      if (part !== undefined && part.state !== 'making' && part.state !== 'needs_attention') return;
      const waits = { ...part, state: 'needs_attention' as const, error: error ?? undefined };
      story.parts.set(subject, error === null ? { ...part, state: 'making', error: undefined } : waits);
      show();
    },
    ended(subject, outcome) {
      const error = 'error' in outcome ? outcome.error : undefined;
      story.parts.set(subject, { state: outcome.status, error, ...spent(outcome) });
      show();
    },
    stored: () =>
      [...story.parts].filter(([subject, { state }]) => subject.startsWith('clip') && state === 'stored').length,
    completed(result) {
      story.result = result;
    },
    failed(error) {
      story.error = error;
    },
  };
}

const spent = ({ costUsd }: GenerationOutcome): { costUsd?: number } => (costUsd === undefined ? {} : { costUsd });
