/** What an uploaded file is, by its bytes; what its sender calls it counts for nothing. */
import { createReadStream } from 'node:fs';
import { isReelwrightError } from '../../domain/errors.js';
import { inspectImage } from '../../media/probe/inspect-image.js';
import type { MediaProbe } from '../../media/probe/media-probe.js';
import { readHead } from '../../media/probe/read-head.js';
import type { AssetType } from '../../storage/assets-repository.js';
import { invalidField } from '../validation.js';
import { documentType, soundType, videoType } from './content-types.js';

export interface FileFacts {
  contentType: string;
  width: number | null;
  height: number | null;
  durationSeconds: number | null;
}

export type ProbeMedia = (path: string) => Promise<MediaProbe>;

const CONTROL_CHARACTER = /[^\P{Cc}\t\n\v\f\r]/u;
const NO_FACTS = { width: null, height: null, durationSeconds: null };

/** Throws VALIDATION_FAILED for `file` when the bytes are not of that type, or of a kind that is not taken. */
export async function inspectFile(type: AssetType, path: string, probeMedia: ProbeMedia): Promise<FileFacts> {
  switch (type) {
    case 'image':
      return await inspectPicture(path);
    case 'video':
      return await inspectVideo(path, probeMedia);
    case 'audio':
      return await inspectSound(path, probeMedia);
    case 'document':
      return await inspectDocument(path);
  }
}

const refused = (expected: string, seen = 'something else'): Error => invalidField('file', expected, seen);

async function inspectPicture(path: string): Promise<FileFacts> {
  try {
    return { ...NO_FACTS, ...(await inspectImage(path)) };
  } catch (error) {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    throw refused(String(error.details?.['expected']), String(error.details?.['seen']));
  }
}

async function inspectVideo(path: string, probeMedia: ProbeMedia): Promise<FileFacts> {
  const expected = 'a video (MP4, MOV, WebM or MKV)';
  const found = await probed(path, probeMedia, expected);
  const contentType = videoType(found.formatName, await readHead(path));
  if (found.video === undefined || contentType === undefined) throw refused(expected);
  const { width, height, rotation } = found.video;
  const upright = rotation % 180 === 0;
  return {
    contentType,
    width: upright ? width : height,
    height: upright ? height : width,
    durationSeconds: found.durationSeconds,
  };
}

async function inspectSound(path: string, probeMedia: ProbeMedia): Promise<FileFacts> {
  const expected = 'a sound file (MP3, WAV, OGG, AAC, M4A or FLAC)';
  const found = await probed(path, probeMedia, expected);
  const contentType = soundType(found.formatName);
  if (found.audio === undefined || contentType === undefined) throw refused(expected);
  if (found.video !== undefined) throw refused(expected, 'a video');
  return { ...NO_FACTS, contentType, durationSeconds: found.durationSeconds };
}

async function inspectDocument(path: string): Promise<FileFacts> {
  const contentType = documentType(await readHead(path));
  if (contentType === undefined || (contentType.startsWith('text/') && !(await isPlainText(path)))) {
    throw refused('a PDF or plain text in UTF-8');
  }
  return { ...NO_FACTS, contentType };
}

async function probed(path: string, probeMedia: ProbeMedia, expected: string): Promise<MediaProbe> {
  try {
    return await probeMedia(path);
  } catch (error) {
    if (isReelwrightError(error, 'MEDIA_UNREADABLE')) throw refused(expected);
    throw error;
  }
}

/** UTF-8 from end to end, without control characters other than white space. */
async function isPlainText(path: string): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      if (CONTROL_CHARACTER.test(decoder.decode(chunk, { stream: true }))) return false;
    }
    decoder.decode();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
