import sharp from 'sharp';
import { ReelwrightError } from '../../domain/errors.js';
import { readHead } from './read-head.js';

/** Dimensions are pixels as shown, rotation applied. */
export interface ImageFacts {
  contentType: string;
  width: number;
  height: number;
}

const EXPECTED = 'a JPEG, PNG, WebP or GIF image';

/**
 * What an image is, by its bytes. Throws MEDIA_UNREADABLE, with `expected` and `seen` in its details, for what is none
 * of the kinds that are taken.
 */
export async function inspectImage(path: string): Promise<ImageFacts> {
  // Only what starts like one of these is given to the image library, which reads many kinds more.
  const contentType = imageType(await readHead(path));
  if (contentType === undefined) throw unreadable('something else');
  try {
    const { autoOrient } = await sharp(path).metadata();
    return { contentType, width: autoOrient.width, height: autoOrient.height };
  } catch {
    // The library's message names the file's path on this machine.
    throw unreadable(`a broken ${contentType} file`);
  }
}

const unreadable = (seen: string): ReelwrightError =>
  new ReelwrightError('MEDIA_UNREADABLE', `expected ${EXPECTED}, got ${seen}`, {
    details: { expected: EXPECTED, seen },
  });

/** By the signature at the file's start. SVG is not among them: it can carry scripts. */
function imageType(head: Buffer): string | undefined {
  if (head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
  if (ascii(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') return 'image/webp';
  if (ascii(head, 0, 6) === 'GIF87a' || ascii(head, 0, 6) === 'GIF89a') return 'image/gif';
  return undefined;
}

const ascii = (head: Buffer, start: number, end: number): string => head.toString('latin1', start, end);
