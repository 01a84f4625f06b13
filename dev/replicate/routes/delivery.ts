import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import Router from '@koa/router';
import type { Context } from 'koa';
import parseRange from 'range-parser';
import { type Parts, refuseWhereStruck, subjectOf } from '../parts.js';
import { boundFault, isExpired, type OutputRecord } from '../prediction-record.js';
import { notFound } from '../problems.js';

interface Part {
  start: number;
  end: number;
}

/** The part asked for: the whole file without a range, with one that cannot be read and with several; null past its end. */
function partOf(size: number, range: string): { part: Part; partial: boolean } | null {
  const whole = { part: { start: 0, end: size - 1 }, partial: false };
  if (range === '') return whole;
  const ranges = parseRange(size, range);
  if (ranges === -1) return null;
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1 || ranges[0] === undefined) return whole;
  return { part: ranges[0], partial: true };
}

/** Output links. Their unguessable part is all the permission they need, and they die with the prediction's data. */
export function createDeliveryRoutes(parts: Parts): Router {
  const router = new Router();

  // GET routes answer HEAD as well.
  router.get('/_delivery/:token/:fileName', async (context) => {
    const record = parts.predictions.findByOutputToken(String(context.params['token']));
    const output = record?.output;
    if (record === undefined || output === null || output === undefined) throw notFound();
    if (output.fileName !== context.params['fileName']) throw notFound();
    if (isExpired(record, parts.settings.outputTtlMs, Date.now())) throw notFound();
    if (boundFault(record, 'expired-output') !== undefined) throw notFound();
    refuseWhereStruck(parts, 'download', subjectOf(record));

    const asked = partOf(output.size, context.get('range'));
    context.set('accept-ranges', 'bytes');
    if (asked === null) {
      context.status = 416;
      context.set('content-range', `bytes */${output.size}`);
      context.body = '';
      return;
    }
    const { start, end } = asked.part;
    const length = end - start + 1;
    context.status = asked.partial ? 206 : 200;
    if (asked.partial) context.set('content-range', `bytes ${start}-${end}/${output.size}`);
    context.type = output.contentType;
    context.length = length;
    if (context.method === 'HEAD') return;
    const fault = parts.faults.strikeDownload(subjectOf(record));
    if (fault === undefined) {
      context.body = createReadStream(output.path, { start, end });
      context.length = length;
      return;
    }
    await sendCut(context, output, start, Math.min(fault.bytes ?? Math.floor(length / 2), length));
  });

  return router;
}

/** Announces the full length, sends the first `bytes` and ends the connection. */
async function sendCut(context: Context, output: OutputRecord, start: number, bytes: number): Promise<void> {
  context.respond = false;
  const { res } = context;
  res.flushHeaders();
  if (bytes > 0) {
    await pipeline(createReadStream(output.path, { start, end: start + bytes - 1 }), res, { end: false });
  }
  res.socket?.destroySoon();
}
