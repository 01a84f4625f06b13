/** Records the histories of scenarios that have none yet. What is recorded stays: a replay that fails is for a patch. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type History, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { v7 as uuidv7 } from 'uuid';
import { HISTORY_SCENARIOS } from '../test/support/history-scenarios.js';
import { temporalPart } from '../test/support/temporal-part.js';
import { runWorkflowRig } from '../test/support/workflow-rig.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'test/histories');

/** One line of JSON; stack traces in it name files from the checkout on, wherever that lies. */
const recorded = (history: History): string =>
  `${JSON.stringify(JSON.parse(historyToJSON(history))).replaceAll(ROOT, '')}\n`;

const missing = HISTORY_SCENARIOS.filter(({ name }) => !existsSync(join(FOLDER, name)));
console.log(`${HISTORY_SCENARIOS.length - missing.length} scenarios are recorded, ${missing.length} are missing`);
if (missing.length > 0) {
  const { provided, stop } = await temporalPart.start();
  try {
    for (const scenario of missing) {
      const { activities, calls } = scenario.activities();
      await runWorkflowRig(provided, activities, uuidv7(), async (rig) => {
        const ids = await scenario.run(rig, calls);
        // A scenario is recorded whole or not at all.
        const part = join(FOLDER, `.${scenario.name}.part`);
        await rm(part, { recursive: true, force: true });
        await mkdir(part, { recursive: true });
        for (const id of ids) {
          const history = await rig.client.workflow.getHandle(id).fetchHistory();
          const file = id.replace(`video-job-${rig.jobId}`, 'video-job').replace(`-${rig.jobId}`, '');
          await writeFile(join(part, `${file}.json`), recorded(history));
        }
        await rename(part, join(FOLDER, scenario.name));
        console.log(`recorded ${scenario.name}: ${ids.length} histories`);
      });
    }
  } finally {
    await stop();
  }
}
