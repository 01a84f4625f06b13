/** What tests of the api order with: small real files and the rows that hold them. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { ffmpeg } from '../../media/test-support/media-files.js';
import { type Caller, form } from './running-api.js';

export interface AssetRow {
  id: string;
  type: string;
  contentType: string;
  width: number | null;
  height: number | null;
  durationSeconds: number | null;
  sizeBytes: number;
  tags: string[];
  url: string;
  temporaryUrl: string;
  clientId: string | null;
  campaignId: string | null;
}

/** A real JPEG; `red` tells it from others, since equal bytes are one blob. */
export async function jpeg(red = 200, orientation?: number): Promise<Buffer> {
  const image = sharp({ create: { width: 64, height: 36, channels: 3, background: { r: red, g: 90, b: 30 } } }).jpeg();
  return await (orientation === undefined ? image : image.withMetadata({ orientation })).toBuffer();
}

/** What ffmpeg makes of these arguments, whose last one names the file's extension. */
export async function mediaFile(path: string, ...args: string[]): Promise<Buffer> {
  await ffmpeg(...args, path);
  return await readFile(path);
}

export async function uploadImage(
  caller: Caller,
  options: { campaignId?: string; tags?: string[]; red?: number } = {},
): Promise<AssetRow> {
  const { campaignId, tags, red } = options;
  const answer = await caller.post<AssetRow>(
    '/api/v3/assets',
    form({
      file: await jpeg(red),
      name: 'Picture',
      type: 'image',
      ...(campaignId === undefined ? {} : { campaignId }),
      ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    }),
  );
  if (answer.status !== 201) throw new Error(`expected an asset, got ${JSON.stringify(answer.error)}`);
  return answer.data;
}

export async function newCampaign(caller: Caller, name = 'Villa Azul'): Promise<{ id: string; clientId: string }> {
  const client = await caller.post<{ id: string }>('/api/v3/clients', { name: 'Villas Ltd' });
  const body = { clientId: client.data.id, name, goal: 'bookings' };
  return (await caller.post<{ id: string; clientId: string }>('/api/v3/campaigns', body)).data;
}
