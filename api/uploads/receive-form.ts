import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { ReelwrightError } from '../../domain/errors.js';
import { seen } from '../../domain/fields.schema.js';
import { ClientLeft } from '../client-left.js';
import { invalidField } from '../validation.js';

export interface ReceivedForm {
  /** The form's texts, each given once. */
  fields: Record<string, string>;
  /** Where the file lies, below the folder that was given. */
  path: string;
  sizeBytes: number;
}

export interface FormLimits {
  /** The names that a text of the form may have. */
  fieldNames: readonly string[];
  maxFileBytes: number;
}

const FILE_FIELD = 'file';
const MAX_FIELD_BYTES = 64 * 1024;
/** What the texts and the separators of an honest form may add to its file. */
const FORM_OVERHEAD_BYTES = 1024 * 1024;

/**
 * Reads a multipart form with one file into the folder `dir`; texts may stand before and after the file. Throws
 * UNSUPPORTED_MEDIA_TYPE, MALFORMED_MULTIPART, BODY_TOO_LARGE or VALIDATION_FAILED at the first thing that is wrong, and
 * leaves the rest of the request unread then. Only a bounded part of the file is in memory at any time.
 */
export async function receiveForm(req: IncomingMessage, dir: string, limits: FormLimits): Promise<ReceivedForm> {
  const parser = openParser(req, limits);
  const path = join(dir, 'upload');
  const fields = new Map<string, string>();
  let writing: Promise<number> | undefined;
  await new Promise<void>((resolve, reject) => {
    let failure: Error | undefined;
    const fail = (error: Error): void => {
      if (failure !== undefined) return;
      failure = error;
      req.unpipe(parser);
      // The parser calls from within its own work and cannot be destroyed there.
      process.nextTick(() => parser.destroy());
    };
    const onGone = (cause?: Error): void => {
      // A complete request can be cut off too, while its end still waits to be read.
      if (!req.readableEnded) fail(new ClientLeft('within the form', { cause }));
    };
    req.on('error', onGone);
    req.on('close', onGone);
    parser.on('field', (named, value, { valueTruncated }) => {
      const name = nameOf(named);
      const problem = fieldProblem(name, value, valueTruncated, fields, limits);
      if (problem === undefined) fields.set(name, value);
      else fail(problem);
    });
    parser.on('file', (named, stream) => {
      const problem = fileProblem(nameOf(named), writing !== undefined);
      // A stream that nobody reads or destroys would hold the parser up for ever.
      if (problem !== undefined || failure !== undefined) {
        stream.on('error', () => stream.destroy()).resume();
        fail(problem ?? new Error('a part after the form was refused'));
        return;
      }
      stream.on('limit', () => fail(tooLarge(limits.maxFileBytes)));
      writing = writeFile(stream, path);
      writing.catch(fail);
    });
    parser.on('error', (cause) => fail(malformed(cause as Error)));
    parser.on('close', () => {
      req.off('error', onGone).off('close', onGone);
      // Nobody may remove the folder while a file is still being written into it.
      Promise.allSettled([writing])
        .then(() => (failure === undefined ? resolve() : reject(failure)))
        .catch(reject);
    });
    // A client that left while its key was looked up is not announced again.
    if (req.destroyed) onGone();
    else req.pipe(parser);
  });
  if (writing === undefined) throw invalidField(FILE_FIELD, 'a file', 'nothing');
  const sizeBytes = await writing;
  if (sizeBytes === 0) throw invalidField(FILE_FIELD, 'a file with content', 'an empty one');
  return { fields: Object.fromEntries(fields), path, sizeBytes };
}

function openParser(req: IncomingMessage, { maxFileBytes }: FormLimits): busboy.Busboy {
  const type = req.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) {
    throw new ReelwrightError(
      'UNSUPPORTED_MEDIA_TYPE',
      `expected Content-Type multipart/form-data, got ${type === '' ? 'none' : type}`,
    );
  }
  if (Number(req.headers['content-length'] ?? 0) > maxFileBytes + FORM_OVERHEAD_BYTES) throw tooLarge(maxFileBytes);
  try {
    // The parser calls a file of just the limit too long.
    const limits = { fileSize: maxFileBytes + 1, fieldSize: MAX_FIELD_BYTES };
    return busboy({ headers: req.headers, defParamCharset: 'utf8', limits });
  } catch (cause) {
    throw malformed(cause as Error);
  }
}

async function writeFile(stream: Readable, path: string): Promise<number> {
  const file = createWriteStream(path, { mode: 0o600 });
  await pipeline(stream, file);
  return file.bytesWritten;
}

/** The parser gives undefined, against its types, for a part that has no name. */
const nameOf = (name: string | undefined): string => name ?? '';

function fieldProblem(
  name: string,
  value: string,
  truncated: boolean,
  fields: ReadonlyMap<string, string>,
  { fieldNames }: FormLimits,
): ReelwrightError | undefined {
  if (name === FILE_FIELD) return invalidField(name, 'a file part with a file name', 'text');
  if (!fieldNames.includes(name)) return unknownField(name);
  if (fields.has(name)) return invalidField(name, 'one value', 'two');
  if (truncated) return invalidField(name, `at most ${MAX_FIELD_BYTES} bytes`, `more, beginning with ${seen(value)}`);
  return undefined;
}

function fileProblem(name: string, another: boolean): ReelwrightError | undefined {
  if (name !== FILE_FIELD) return unknownField(name);
  return another ? invalidField(name, 'one file', 'two') : undefined;
}

const unknownField = (name: string): ReelwrightError =>
  new ReelwrightError('VALIDATION_FAILED', `${seen(name).slice(1, -1)}: there is no such field`, {
    details: { path: name.slice(0, 100), expected: 'no such field', seen: 'a part of the form' },
  });

const malformed = (cause: Error): ReelwrightError =>
  new ReelwrightError('MALFORMED_MULTIPART', `expected a complete multipart form: ${cause.message}`, { cause });

const tooLarge = (maxBytes: number): ReelwrightError =>
  new ReelwrightError('BODY_TOO_LARGE', `file: expected at most ${maxBytes} bytes, got more`, {
    details: { path: FILE_FIELD, maxBytes },
  });
