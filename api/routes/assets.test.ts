import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mediaFolder } from '../../media/test-support/media-files.js';
import { type AssetRow, jpeg, mediaFile, newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { type Caller, form, type RunningApi, startApi } from '../../test/support/running-api.js';

const MAX_UPLOAD_BYTES = 300_000;

let api: RunningApi;
let anna: Caller;
let ben: Caller;
beforeAll(async () => {
  api = await startApi({ config: { maxUploadBytes: MAX_UPLOAD_BYTES, maxDrainBytes: 8 * 1024 * 1024 } });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());

const folder = mediaFolder();
const upload = (caller: Caller, fields: Record<string, string | Buffer>) =>
  caller.post<AssetRow>('/api/v3/assets', form(fields));

async function untouched(work: () => Promise<void>): Promise<void> {
  const before = [await api.countRows('assets'), await api.countRows('blobs'), await api.countRows('blob_chunks')];
  await work();
  expect([await api.countRows('assets'), await api.countRows('blobs'), await api.countRows('blob_chunks')]).toEqual(
    before,
  );
  expect(await api.uploadsLeft()).toEqual([]);
}

describe('an upload', () => {
  test('becomes an asset with its size and its content type from the bytes, and the same bytes come back', async () => {
    const file = await jpeg(10);
    const answer = await upload(anna, { file, name: 'Küche 1', type: 'image', tags: '["Kitchen 1", "day"]' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`/api/v3/assets/${answer.data.id}`);
    expect(answer.data).toMatchObject({
      type: 'image',
      name: 'Küche 1',
      contentType: 'image/jpeg',
      sizeBytes: file.length,
      width: 64,
      height: 36,
      durationSeconds: null,
      tags: ['Kitchen 1', 'day'],
      url: `/api/v3/assets/${answer.data.id}/data`,
    });
    const bytes = await anna.fetch(answer.data.url);
    expect(bytes.status).toBe(200);
    expect(bytes.headers.get('content-type')).toBe('image/jpeg');
    expect(bytes.headers.get('x-content-type-options')).toBe('nosniff');
    expect(bytes.headers.get('content-security-policy')).toContain('sandbox');
    expect(bytes.headers.get('content-disposition')).toBe(
      `inline; filename="K_che 1.jpg"; filename*=UTF-8''K%C3%BCche%201.jpg`,
    );
    expect(Buffer.from(await bytes.arrayBuffer()).equals(file)).toBe(true);
  });

  test('may have its fields after its file', async () => {
    const data = new FormData();
    data.append('file', new Blob([new Uint8Array(await jpeg(11))]), 'x.exe');
    data.append('type', 'image');
    data.append('name', 'Late fields');
    const answer = await anna.post<AssetRow>('/api/v3/assets', data);
    expect(answer.status).toBe(201);
    expect(answer.data).toMatchObject({ name: 'Late fields', contentType: 'image/jpeg' });
  });

  test('says width and height as the picture is shown, turned by its EXIF orientation', async () => {
    const answer = await upload(anna, { file: await jpeg(12, 6), name: 'Turned', type: 'image' });
    expect(answer.data).toMatchObject({ width: 36, height: 64 });
  });

  test('of a video has the dimensions and the duration that its bytes say', async () => {
    const look = ['-f', 'lavfi', '-i', 'color=c=red:s=160x90:r=24:d=1', '-c:v', 'libx264', '-pix_fmt', 'yuv420p'];
    const file = await mediaFile(folder.path('clip.mp4'), ...look);
    const answer = await upload(anna, { file, name: 'Clip', type: 'video' });
    expect(answer.data).toMatchObject({ type: 'video', contentType: 'video/mp4', width: 160, height: 90 });
    expect(answer.data.durationSeconds).toBeCloseTo(1, 1);
  });

  test('of a sound has its duration', async () => {
    const file = await mediaFile(folder.path('tone.mp3'), '-f', 'lavfi', '-i', 'sine=f=440:d=1');
    const answer = await upload(anna, { file, name: 'Tone', type: 'audio' });
    expect(answer.data).toMatchObject({ type: 'audio', contentType: 'audio/mpeg', width: null });
    expect(answer.data.durationSeconds).toBeCloseTo(1, 0);
  });

  test.each([
    ['%PDF-1.7\n...', 'application/pdf'],
    ['Grüße aus der Villa\n', 'text/plain; charset=utf-8'],
  ])('of the document %j is offered for saving and never shown', async (content, contentType) => {
    const answer = await upload(anna, { file: Buffer.from(content), name: 'Notes', type: 'document' });
    expect(answer.data.contentType).toBe(contentType);
    const bytes = await anna.fetch(answer.data.url);
    expect(bytes.headers.get('content-disposition')).toMatch(/^attachment; filename=("?)Notes\.(pdf|txt)\1$/);
    expect(await bytes.text()).toBe(content);
  });

  test('of a campaign belongs to the client of the campaign', async () => {
    const campaign = await newCampaign(anna);
    const asset = await uploadImage(anna, { campaignId: campaign.id, red: 13 });
    expect(asset).toMatchObject({ campaignId: campaign.id, clientId: campaign.clientId });
  });

  test('of bytes that are there already is an asset of its own over the same blob', async () => {
    const first = await uploadImage(anna, { red: 14 });
    const blobs = await api.countRows('blobs');
    const second = await uploadImage(ben, { red: 14 });
    expect(second.id).not.toBe(first.id);
    expect(await api.countRows('blobs')).toBe(blobs);
  });

  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><script>alert(1)</script></svg>',
  );
  test.each<[string, Record<string, string | Buffer>, string, string]>([
    ['an image that is text', { file: Buffer.from('hello'), name: 'n', type: 'image' }, 'file', 'JPEG'],
    [
      'an image that only begins like one',
      { file: Buffer.from('\x89PNG\r\n\x1a\nxx', 'latin1'), name: 'n', type: 'image' },
      'file',
      'broken',
    ],
    ['an SVG', { file: svg, name: 'n', type: 'image' }, 'file', 'JPEG'],
    ['an image sent as a video', { file: png, name: 'n', type: 'video' }, 'file', 'MP4'],
    ['an image sent as a sound', { file: png, name: 'n', type: 'audio' }, 'file', 'MP3'],
    [
      'a playlist sent as a video',
      { file: Buffer.from('#EXTM3U\nhttp://127.0.0.1/x\n'), name: 'n', type: 'video' },
      'file',
      'MP4',
    ],
    [
      'a program sent as a document',
      { file: Buffer.from('\x7fELF\0\0', 'latin1'), name: 'n', type: 'document' },
      'file',
      'PDF',
    ],
    [
      'a document that is not UTF-8',
      { file: Buffer.from([0xc3, 0x28, 0x41]), name: 'n', type: 'document' },
      'file',
      'UTF-8',
    ],
    ['an empty file', { file: Buffer.alloc(0), name: 'n', type: 'image' }, 'file', 'empty'],
    ['no file', { name: 'n', type: 'image' }, 'file', 'nothing'],
    ['a file given as text', { file: 'hello', name: 'n', type: 'image' }, 'file', 'text'],
    ['an unknown field', { colour: 'red', file: png, name: 'n', type: 'image' }, 'colour', 'no such field'],
    [
      'an unknown field after the file',
      { file: png, name: 'n', type: 'image', colour: 'red' },
      'colour',
      'no such field',
    ],
    ['a second file under another name', { file: png, other: png, name: 'n', type: 'image' }, 'other', 'no such field'],
    ['no name', { file: png, type: 'image' }, 'name', 'nothing'],
    ['no type', { file: png, name: 'n' }, 'type', 'image or video'],
    ['an unknown type', { file: png, name: 'n', type: 'picture' }, 'type', 'picture'],
    ['tags that are no JSON', { file: png, name: 'n', type: 'image', tags: 'Kitchen' }, 'tags', 'a list'],
    ['a tag that is no text', { file: png, name: 'n', type: 'image', tags: '[1]' }, 'tags.0', 'text'],
    ['a campaign id that is no UUID', { file: png, name: 'n', type: 'image', campaignId: '1' }, 'campaignId', 'UUID'],
  ])('of %s is refused by the name of the field and leaves nothing behind', async (_what, fields, path, said) => {
    await untouched(async () => {
      const answer = await upload(anna, fields);
      expect(answer.status).toBe(422);
      expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path } });
      expect(answer.error?.message).toContain(said);
    });
  });

  test('of two files under one name is refused', async () => {
    await untouched(async () => {
      const data = form({ file: png, name: 'n', type: 'image' });
      data.append('file', new Blob([new Uint8Array(png)]), 'again.png');
      const answer = await anna.post('/api/v3/assets', data);
      expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path: 'file', seen: 'two' } });
    });
  });

  test('with a field given twice is refused', async () => {
    const data = form({ file: png, name: 'n', type: 'image' });
    data.append('name', 'again');
    const answer = await anna.post('/api/v3/assets', data);
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path: 'name' } });
  });

  test("of a missing campaign or client and of another owner's is refused alike", async () => {
    const foreign = await newCampaign(ben);
    await untouched(async () => {
      for (const [field, id, code] of [
        ['campaignId', foreign.id, 'CAMPAIGN_NOT_FOUND'],
        ['campaignId', randomUUID(), 'CAMPAIGN_NOT_FOUND'],
        ['clientId', foreign.clientId, 'CLIENT_NOT_FOUND'],
        ['clientId', randomUUID(), 'CLIENT_NOT_FOUND'],
      ] as const) {
        const answer = await upload(anna, { file: png, name: 'n', type: 'image', [field]: id });
        expect(answer.status).toBe(422);
        expect(answer.error).toMatchObject({ code, details: { path: field } });
      }
    });
  });

  test('of a campaign with another client than its own is refused', async () => {
    const campaign = await newCampaign(anna);
    const other = await newCampaign(anna);
    const fields = { file: png, name: 'n', type: 'image', campaignId: campaign.id, clientId: other.clientId };
    expect((await upload(anna, fields)).error).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { path: 'clientId' },
    });
  });

  test('of more bytes than allowed is refused with 413, also when only the bytes themselves tell', async () => {
    await untouched(async () => {
      const declared = await upload(anna, {
        file: Buffer.alloc(MAX_UPLOAD_BYTES + 1_200_000),
        name: 'n',
        type: 'image',
      });
      expect(declared.status).toBe(413);
      expect(declared.error).toMatchObject({ code: 'BODY_TOO_LARGE', details: { path: 'file' } });
      const counted = await upload(anna, { file: Buffer.alloc(MAX_UPLOAD_BYTES + 1), name: 'n', type: 'image' });
      expect(counted.status).toBe(413);
      expect(counted.error).toMatchObject({ code: 'BODY_TOO_LARGE', details: { path: 'file' } });
    });
  });

  test('of exactly the allowed bytes is taken', async () => {
    const answer = await upload(anna, { file: Buffer.alloc(MAX_UPLOAD_BYTES, 'a'), name: 'n', type: 'document' });
    expect(answer.status).toBe(201);
    expect(answer.data.sizeBytes).toBe(MAX_UPLOAD_BYTES);
  });

  test('without a key is refused with an answer that can be read, though megabytes are still on their way', async () => {
    await untouched(async () => {
      const body = form({ file: Buffer.alloc(6 * 1024 * 1024), name: 'n', type: 'image' });
      const answer = await api.call('/api/v3/assets', { method: 'POST', body });
      expect(answer.status).toBe(401);
      expect(answer.error?.code).toBe('UNAUTHENTICATED');
    });
  });

  test.each([
    ['another content type', { 'content-type': 'application/json' }, '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no boundary', { 'content-type': 'multipart/form-data' }, 'x', 400, 'MALFORMED_MULTIPART'],
    [
      'an end that is missing',
      { 'content-type': 'multipart/form-data; boundary=b' },
      '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nab',
      400,
      'MALFORMED_MULTIPART',
    ],
    [
      'no end of its file',
      { 'content-type': 'multipart/form-data; boundary=b' },
      '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nab',
      400,
      'MALFORMED_MULTIPART',
    ],
  ])('with %s is refused', async (_what, headers, body, status, code) => {
    await untouched(async () => {
      const answer = await anna.post('/api/v3/assets', body, headers);
      expect(answer.status).toBe(status);
      expect(answer.error?.code).toBe(code);
    });
  });

  test.each([
    ['text', 'Content-Disposition: form-data\r\n\r\nab'],
    ['file', 'Content-Disposition: form-data; filename="f"\r\n\r\nab'],
  ])('with a part of %s that has no name is refused, and the api goes on', async (_what, part) => {
    await untouched(async () => {
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      const answer = await anna.post('/api/v3/assets', `--b\r\n${part}\r\n--b--\r\n`, headers);
      expect(answer.status).toBe(422);
      expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { expected: 'no such field' } });
    });
  });
});
