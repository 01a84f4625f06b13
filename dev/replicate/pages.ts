/** Lists as the provider gives them: newest first, 100 a page, with cursor URLs to the pages beside it. */
import { Problem } from './problems.js';

const PAGE_SIZE = 100;

export interface Sequenced {
  sequence: number;
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
  previous: string | null;
}

/** A place in a list: the page of items older than, or newer than, the item with that sequence number. */
type Cursor = { olderThan: number } | { newerThan: number };

function parseCursor(text: string): Cursor {
  const match = /^([on])=(\d+)$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (match === null)
    throw new Problem(400, { title: 'Invalid cursor', detail: `cursor "${text}" is not one of ours` });
  const sequence = Number(match[2]);
  return match[1] === 'o' ? { olderThan: sequence } : { newerThan: sequence };
}

function cursorUrl(listUrl: URL, direction: 'o' | 'n', sequence: number): string {
  const url = new URL(listUrl);
  url.searchParams.set('cursor', Buffer.from(`${direction}=${sequence}`).toString('base64url'));
  return url.href;
}

/**
 * One page of `items`, which are given oldest first. `listUrl` is the address of the list with its filters; the cursor
 * is read from it. Throws a 400 problem for a cursor of another form.
 */
export function page<Item extends Sequenced>(items: readonly Item[], listUrl: URL): Page<Item> {
  const text = listUrl.searchParams.get('cursor');
  const cursor = text === null ? undefined : parseCursor(text);
  let end = items.length;
  if (cursor !== undefined && 'olderThan' in cursor) {
    end = items.filter((item) => item.sequence < cursor.olderThan).length;
  } else if (cursor !== undefined) {
    end = Math.min(items.length, items.filter((item) => item.sequence <= cursor.newerThan).length + PAGE_SIZE);
  }
  const start = Math.max(0, end - PAGE_SIZE);
  const shown = items.slice(start, end).reverse();
  const [newest, oldest] = [shown[0], shown.at(-1)];
  return {
    items: shown,
    next: start > 0 && oldest !== undefined ? cursorUrl(listUrl, 'o', oldest.sequence) : null,
    previous: end < items.length && newest !== undefined ? cursorUrl(listUrl, 'n', newest.sequence) : null,
  };
}
