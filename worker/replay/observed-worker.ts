/** A replay worker that lets us see what the workflow code answers to each activation. */
import proto, { type coresdk } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';

const { WorkflowActivation } = proto.coresdk.workflow_activation;
const { WorkflowActivationCompletion } = proto.coresdk.workflow_completion;

/** What the code did when it had seen the history up to `historyLength` (an event's id). */
export interface Activation {
  historyLength: number;
  commands: coresdk.workflow_commands.IWorkflowCommand[];
  /** Where the code threw, what it threw. */
  failure: { message: string; stackTrace: string } | undefined;
}

type NativeWorkers = (typeof ObservableWorker)['workers'];

/** Gives access to what is protected in the SDK: its own tests put a mock in the same place. */
abstract class ObservableWorker extends Worker {
  static get workers() {
    return Worker.nativeWorkerCtor;
  }
}

/**
 * A class of workers whose replays tell `onActivation` of every activation that was answered. One class for each run of
 * replays: the SDK asks the class for its native worker.
 */
export function observedWorker(onActivation: (activation: Activation) => void): typeof Worker {
  const workers: NativeWorkers = {
    create: (...given) => ObservableWorker.workers.create(...given),
    async createReplay(...given) {
      const handle = await ObservableWorker.workers.createReplay(...given);
      const { pollWorkflowActivation, completeWorkflowActivation } = handle.worker;
      const lengths = new Map<string, number>();
      handle.worker.pollWorkflowActivation = async () => {
        const buffer = await pollWorkflowActivation();
        const { runId, historyLength, jobs } = WorkflowActivation.decode(new Uint8Array(buffer));
        // The end of a replay is not the code's affair.
        if (jobs.some(({ removeFromCache }) => removeFromCache != null)) lengths.delete(runId);
        else lengths.set(runId, historyLength);
        return buffer;
      };
      handle.worker.completeWorkflowActivation = async (buffer) => {
        const { runId, successful, failed } = WorkflowActivationCompletion.decodeDelimited(new Uint8Array(buffer));
        const historyLength = lengths.get(runId);
        if (historyLength !== undefined) onActivation(activationOf(historyLength, successful, failed));
        await completeWorkflowActivation(buffer);
      };
      return handle;
    },
  };
  return class extends ObservableWorker {
    protected static override nativeWorkerCtor = workers;
  };
}

type Completion = coresdk.workflow_completion.IWorkflowActivationCompletion;

const activationOf = (
  historyLength: number,
  successful: Completion['successful'],
  failed: Completion['failed'],
): Activation => ({
  historyLength,
  commands: successful?.commands ?? [],
  failure:
    failed?.failure == null
      ? undefined
      : { message: failed.failure.message ?? '', stackTrace: failed.failure.stackTrace ?? '' },
});
