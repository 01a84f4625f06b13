import { createReadStream } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import Router from '@koa/router';
import busboy from 'busboy';
import { page } from '../pages.js';
import { type Parts, refuseWhereStruck } from '../parts.js';
import { type InvalidField, inputValidationFailed, notFound, Problem } from '../problems.js';
import { fileSignature, sameSignature } from '../secrets.js';
import { OWNER, type ReceivedContent, type Upload, type UploadStore } from '../upload-store.js';

const MAX_UPLOAD_BYTES = 100 * 1024 * 1024;
const MAX_NAME_BYTES = 255;
const MAX_FIELD_BYTES = 1024 * 1024;

interface Form {
  content: (ReceivedContent & { name: string; contentType: string; tooLarge: boolean }) | undefined;
  /** The other parts, as text. */
  fields: Map<string, string>;
}

/** The file object: `schemas_file_response` of the provider's OpenAPI file. */
function view(parts: Parts, upload: Upload): Record<string, unknown> {
  return {
    id: upload.id,
    name: upload.name,
    content_type: upload.contentType,
    size: upload.size,
    checksums: { sha256: upload.sha256 },
    metadata: upload.metadata,
    created_at: upload.createdAt,
    expires_at: upload.expiresAt,
    urls: { get: `${parts.origin()}/v1/files/${upload.id}` },
  };
}

function badForm(cause: unknown): Problem {
  return new Problem(400, { title: 'Bad request', detail: 'The multipart body is malformed or was cut off.', cause });
}

function createParser(headers: IncomingHttpHeaders): busboy.Busboy {
  try {
    return busboy({
      headers,
      limits: { fileSize: MAX_UPLOAD_BYTES - 1, fieldSize: MAX_FIELD_BYTES, files: 8, fields: 8 },
    });
  } catch (error) {
    throw badForm(error);
  }
}

/** Reads the whole form; its parts other than `content` may be plain fields or, as the npm client sends them, blobs. */
async function readForm(request: IncomingMessage, uploads: UploadStore): Promise<Form> {
  const form: Form = { content: undefined, fields: new Map() };
  const parts: Promise<void>[] = [];
  let hasContent = false;
  const receive = async (stream: Readable & { truncated?: boolean }, name: string, contentType: string) => {
    const received = await uploads.receive(stream);
    form.content = { ...received, name, contentType, tooLarge: stream.truncated === true };
  };
  const parser = createParser(request.headers);
  parser.on('file', (part, stream, info) => {
    const first = part === 'content' && !hasContent;
    if (first) hasContent = true;
    const read = first
      ? receive(stream, info.filename ?? '', info.mimeType)
      : buffer(stream).then((bytes) => void form.fields.set(part, bytes.toString('utf8')));
    // A part that cannot be kept ends the whole form; the pipeline below then rejects with its error.
    read.catch((error: unknown) => parser.destroy(error as Error));
    parts.push(read);
  });
  parser.on('field', (part, value) => form.fields.set(part, value));
  try {
    await pipeline(request, parser);
    await Promise.all(parts);
  } catch (error) {
    await Promise.allSettled(parts);
    if (form.content !== undefined) await uploads.discard(form.content);
    throw badForm(error);
  }
  return form;
}

function parseMetadata(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return {};
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // Not JSON: the caller answers that with the field's name.
    return undefined;
  }
}

/** Upload, list, get and delete. */
export function createFileRoutes(parts: Parts): Router {
  const router = new Router({ prefix: '/files' });
  const { uploads } = parts;
  const find = (id: string | undefined): Upload => {
    const upload = uploads.find(id ?? '');
    if (upload === undefined) throw notFound('File not found');
    return upload;
  };
  router.use((_, next) => {
    refuseWhereStruck(parts, 'files', {});
    return next();
  });

  router.post('/', async (context) => {
    if (!context.is('multipart/form-data')) {
      throw new Problem(415, {
        title: 'Unsupported Media Type',
        detail: 'Expected multipart/form-data with a part "content".',
      });
    }
    const { content, fields } = await readForm(context.req, uploads);
    const refuse = async (problem: Problem): Promise<never> => {
      if (content !== undefined) await uploads.discard(content);
      throw problem;
    };
    const invalid = (field: InvalidField) => refuse(inputValidationFailed([field]));
    if (content === undefined) {
      return invalid({ type: 'required', field: '', description: 'content is required' });
    }
    if (content.tooLarge) {
      return refuse(new Problem(413, { title: 'Content Too Large', detail: 'Files must be less than 100MB in size' }));
    }
    const name = fields.get('filename') ?? content.name;
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      const description = `String length must be less than or equal to ${MAX_NAME_BYTES}`;
      return invalid({ type: 'string_lte', field: 'filename', description });
    }
    const metadata = parseMetadata(fields.get('metadata'));
    if (metadata === undefined) {
      return invalid({ type: 'invalid_type', field: 'metadata', description: 'Invalid type. Expected: a JSON object' });
    }
    const contentType = fields.get('type') ?? content.contentType;
    const upload = await uploads.add(content, { name, contentType, metadata });
    context.status = 201;
    context.body = view(parts, upload);
  });

  router.get('/', (context) => {
    const listed = page(uploads.list(), new URL(context.url, parts.origin()));
    context.body = {
      next: listed.next,
      previous: listed.previous,
      results: listed.items.map((upload) => view(parts, upload)),
    };
  });

  router.get('/:id', (context) => {
    context.body = view(parts, find(context.params['id']));
  });

  router.delete('/:id', (context) => {
    uploads.remove(find(context.params['id']));
    context.status = 204;
  });

  return router;
}

/** A link to the bytes that needs no token until `expiry` (Unix seconds). */
export function downloadUrl(parts: Parts, upload: Upload, expiry: number): string {
  const url = new URL(`${parts.origin()}/v1/files/${upload.id}/download`);
  url.searchParams.set('expiry', String(expiry));
  url.searchParams.set('owner', OWNER);
  url.searchParams.set('signature', fileSignature(parts.secrets.filesKey, OWNER, upload.id, expiry));
  return url.href;
}

/** The signed link: a wrong signature, one whose time is over, and a missing file look alike. */
export function createFileDownloadRoutes(parts: Parts): Router {
  const router = new Router();
  router.get('/files/:id/download', (context) => {
    const { expiry, owner, signature } = context.query;
    const upload = parts.uploads.find(String(context.params['id']));
    const valid =
      upload !== undefined &&
      owner === OWNER &&
      typeof signature === 'string' &&
      sameSignature(fileSignature(parts.secrets.filesKey, OWNER, upload.id, Number(expiry)), signature) &&
      Number(expiry) * 1000 > Date.now();
    if (!valid) throw notFound('File not found');
    context.type = upload.contentType;
    context.length = upload.size;
    context.body = createReadStream(parts.uploads.contentPath(upload));
    context.length = upload.size;
  });
  return router;
}
