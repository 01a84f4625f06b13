/** The wait for somebody's decision about a clip that came to nothing. */
import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { ClipDecided, ClipDecision, GenerationInput, GenerationStep } from '../domain/contract.js';
import { decisionProblem } from '../domain/decisions.js';
import type { ErrorCode } from '../domain/errors.js';
import { generationSentences as sentences } from '../domain/sentences.js';
import { rows } from './activity-options.js';
import { tellAttention } from './attention.js';
import type { ClipBoard } from './clip-board.js';
import { failureInfo } from './failures.js';
import { decideClip } from './messages.js';
import { say } from './say.js';

export type Waiting = Extract<GenerationStep, { status: 'needs_attention' }>;

export interface Decisions {
  /** Waits for the decision: ends with what follows from it, or as a skip when nobody decides in time. */
  wait(waiting: Waiting): Promise<GenerationStep>;
  /** Does what may lead to such a wait: a decision that comes meanwhile is not refused, but waits with it. */
  mayFollow<T>(work: () => Promise<T>): Promise<T>;
}

/** Takes decisions from now on, as the update `decideClip`; refused while the clip does not wait. */
export function decisions(subject: GenerationInput, board: ClipBoard): Decisions {
  let waits = false;
  let mayWait = false;
  let decided: GenerationStep | undefined;
  const waitsNot = (): ApplicationFailure => refusal('WRONG_STATE', `${subject.subject} does not wait for a decision`);

  setHandler(
    decideClip,
    async (decision: ClipDecision): Promise<ClipDecided> => {
      await condition(() => waits || !mayWait);
      if (!waits) throw waitsNot();
      // Closed at once, so that no second decision is taken while this one is carried out.
      waits = false;
      try {
        const sentence = sentences.decide(subject.subject, decision.decision);
        const input = { ...subject, decision };
        decided = await CancellationScope.nonCancellable(() => say(sentence, rows.decideClip, input));
        return { decision: decision.decision };
      } catch (error) {
        const { code, message } = failureInfo(error);
        throw refusal(code, message);
      } finally {
        waits = decided === undefined;
      }
    },
    {
      description: 'Decide about a clip that waits: retry, skip or fail',
      validator(decision: ClipDecision) {
        const problem = decisionProblem(decision);
        if (problem !== undefined) throw refusal('VALIDATION_FAILED', problem);
        if (!waits && !mayWait) throw waitsNot();
      },
    },
  );

  return {
    async wait(waiting) {
      decided = undefined;
      waits = true;
      try {
        board.waits(waiting);
        await tellAttention(subject, waiting.error);
        const summary = sentences.patience(subject.subject, waiting.patienceMs);
        await condition(() => decided !== undefined, waiting.patienceMs, { summary });
        // A decision that is being carried out when the time ends still counts.
        if (!waits) await condition(() => decided !== undefined || waits);
      } finally {
        waits = false;
      }
      const end = { status: 'skipped' as const, error: waiting.error };
      decided ??= await say(sentences.skipped(subject.subject), rows.endGeneration, { ...subject, end });
      board.decided();
      await tellAttention(subject, null);
      return decided;
    },
    async mayFollow(work) {
      mayWait = true;
      try {
        return await work();
      } finally {
        mayWait = false;
      }
    },
  };
}

const refusal = (code: ErrorCode, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code);
