import { v7 as uuidv7 } from 'uuid';
import { inject } from 'vitest';
import { type AllActivities, runWorkflowRig, type WorkflowRig } from './workflow-rig.js';

/** The rig on the server that the test files share. */
export async function withWorkflowRig(
  activities: AllActivities,
  test: (rig: WorkflowRig) => Promise<void>,
): Promise<void> {
  await runWorkflowRig(inject('temporal'), activities, uuidv7(), test);
}
