/** What a generation shows of itself while it runs and after: its current details and the answer to the query `status`. */
import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { GenerationFacts } from '../domain/activity-contract.js';
import { type ClipStory, clipDetails, clipStatus } from '../domain/clip-story.js';
import type { FailureInfo, GenerationInput, GenerationOutcome, Spent } from '../domain/contract.js';
import { status } from './messages.js';

export interface ClipBoard {
  /** What is known of it; undefined in histories from before it was told. */
  readonly facts: GenerationFacts | undefined;
  told(facts: GenerationFacts | undefined): void;
  /** Half a sentence that goes on from "it is in the making:". */
  doing(what: string): void;
  bought(predictionId: string): void;
  waits(waiting: { error: FailureInfo; patienceMs: number } & Spent): void;
  decided(): void;
  ended(outcome: GenerationOutcome): void;
}

/** Nothing of it is a command: what it shows is asked for, and costs no event. */
export function clipBoard({ jobId, subject }: GenerationInput): ClipBoard {
  const story: ClipStory = { jobId, subject, doing: 'it has just started', costUsd: 0 };
  const show = (): void => setCurrentDetails(clipDetails(story));
  const pay = ({ costUsd }: Spent): void => {
    story.costUsd = costUsd ?? story.costUsd;
  };
  setHandler(status, () => clipStatus(story), {
    description: 'What it does or waits for at this moment, in a sentence',
  });
  show();
  return {
    get facts() {
      return story.facts;
    },
    told(facts) {
      if (facts === undefined) return;
      if (facts.attempt !== story.facts?.attempt) delete story.predictionId;
      story.facts = facts;
      pay(facts);
    },
    doing(what) {
      story.doing = what;
      show();
    },
    bought(predictionId) {
      story.predictionId = predictionId;
      show();
    },
    waits({ error, patienceMs, ...cost }) {
      story.waiting = { error, patienceMs };
      pay(cost);
      show();
    },
    decided() {
      story.waiting = undefined;
      story.doing = 'the decision is carried out';
      show();
    },
    ended(outcome) {
      story.waiting = undefined;
      story.outcome = outcome;
      if (outcome.status === 'stored') story.predictionId = outcome.predictionId ?? story.predictionId ?? '';
      pay(outcome);
      show();
    },
  };
}
