/** Runs in the workflow sandbox: what an operator asks for by starting it, where no running workflow can be told. */
import { ApplicationFailure, setCurrentDetails } from '@temporalio/workflow';
import { type Operated, type Operation, operationProblem } from '../domain/operations.js';
import { withRemedy } from '../domain/remedies.js';
import { operationSentence } from '../domain/sentences.js';
import { rows } from './activity-options.js';
import { failureWithRemedy } from './failures.js';
import { say } from './say.js';
import { tell } from './tell.js';

export async function operate(operation: Operation): Promise<Operated> {
  const problem = operationProblem(operation);
  if (problem !== undefined) {
    const error = { code: 'VALIDATION_FAILED' as const, message: problem };
    throw ApplicationFailure.nonRetryable(withRemedy(error), error.code);
  }
  const told = tell(`It is being done: ${operationSentence(operation)}.`);
  try {
    const operated = await say(operationSentence(operation), rows.operate, operation);
    setCurrentDetails(`**${operated.done}**`);
    told(`${operated.done}.`);
    return operated;
  } catch (error) {
    throw failureWithRemedy(error);
  }
}
