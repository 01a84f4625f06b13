/** A customer of the stack's api: orders, cancels and decides over HTTP, and repeats what got no answer. */
import { DemoClient } from '../../dev/demo-client.js';
import { drawDemoImages } from '../../dev/demo-images.js';

export interface OrderOptions {
  /** How many clips of 4 s. Default 1. */
  clips?: number;
  /** Default `fail`. */
  onClipFailure?: 'wait' | 'skip' | 'fail';
}

export interface Customer {
  /**
   * Orders clips with this text in their prompts, all from one image, and resolves with the job's id. The text is the
   * order's key too: ordering it again gives the same job.
   */
  order(prompt: string, options?: OrderOptions): Promise<string>;
  /** False where the job was over. */
  cancel(jobId: string): Promise<boolean>;
  decide(jobId: string, clip: number, decision: 'retry' | 'skip' | 'fail'): Promise<void>;
}

export async function createCustomer(apiUrl: string, apiKey: string): Promise<Customer> {
  const demo = new DemoClient(apiUrl, apiKey, new AbortController().signal);
  const campaignId = await demo.createCampaign(await demo.createClient('a client'), 'a campaign', 'to show rooms');
  const [image] = await drawDemoImages();
  if (image === undefined) throw new Error('expected a demo image');
  // The same image gives the same render, whatever the prompt says.
  const firstImage = { assetId: await demo.uploadImage(campaignId, image) };

  async function post(path: string, key: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json', 'x-api-key': apiKey, 'idempotency-key': key };
    return await fetch(`${apiUrl}/api/v3${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  }
  return {
    async order(prompt, { clips = 1, onClipFailure = 'fail' } = {}) {
      const ordered = Array.from({ length: clips }, (_, index) => ({
        prompt: `${prompt}; ${index + 1}`,
        durationSeconds: 4,
        firstImage,
      }));
      const order = { kind: 'clips', resolution: '720p', onClipFailure, clips: ordered };
      const answer = await accepted(await post('/jobs', prompt, order));
      return ((await answer.json()) as { data: { id: string } }).data.id;
    },
    async cancel(jobId) {
      const answer = await post(`/jobs/${jobId}/actions`, `cancel ${jobId}`, { action: 'cancel' });
      if (answer.status === 409 && /WRONG_STATE/.test(await answer.clone().text())) return false;
      await accepted(answer);
      return true;
    },
    async decide(jobId, clip, decision) {
      const key = `${decision} ${jobId} ${clip}`;
      await accepted(await post(`/jobs/${jobId}/clips/${clip}/decision`, key, { decision }));
    },
  };
}

async function accepted(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  throw new Error(`${answer.url} answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
}
