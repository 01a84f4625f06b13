/** For workflows that have no board of their own: the answer to the query `status`. */
import { setHandler } from '@temporalio/workflow';
import { status } from './messages.js';

/** Answers with `first` from now on, and with what the returned function is given later. Costs no event. */
export function tell(first: string): (sentence: string) => void {
  let now = first;
  setHandler(status, () => now, { description: 'How far it is, in a sentence' });
  return (sentence) => {
    now = sentence;
  };
}
