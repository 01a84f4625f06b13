/** Requests of bytes, as a table: what nginx answers to each is compared with what the api answers. */

/** Of the file that is asked for. Its bytes follow from this number alone, so that recorded answers hold. */
export const FILE_BYTES = 600_000;
const LAST = FILE_BYTES - 1;

export interface RangeCase {
  name: string;
  method?: 'GET' | 'HEAD';
  /** `{etag}`, `{date}`, `{earlier}`, `{later}` stand for the file's own validators and for times beside its own. */
  headers: Record<string, string>;
  /** Where the api answers otherwise on purpose: its status, and why. */
  ours?: { status: number; why: string };
}

const range = (value: string, more: Partial<RangeCase> = {}): RangeCase => ({
  name: `Range: ${value}`,
  headers: { Range: value },
  ...more,
});
const conditional = (headers: Record<string, string>, more: Partial<RangeCase> = {}): RangeCase => ({
  name: Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', '),
  headers,
  ...more,
});
const list = (count: number): string => Array.from({ length: count }, (_, n) => `${n * 10}-${n * 10 + 4}`).join(',');

const IGNORED = { status: 200, why: 'RFC 9110 14.2: a Range that cannot be read may be ignored' };
const HEAD_WHOLE = { status: 200, why: 'RFC 9110 14.2: Range is defined for GET alone' };

export const RANGE_CASES: readonly RangeCase[] = [
  { name: 'no condition', headers: {} },
  { name: 'HEAD', method: 'HEAD', headers: {} },
  range('bytes=0-1', { name: 'HEAD with a range', method: 'HEAD', ours: HEAD_WHOLE }),
  // One range.
  range('bytes=0-0'),
  range('bytes=0-'),
  range('bytes=0-1'),
  range('bytes=100-199'),
  range(`bytes=${LAST}-`),
  range(`bytes=${LAST}-${LAST}`),
  range(`bytes=100-${LAST + 1}`),
  range('bytes=100-99999999999'),
  range('bytes=262143-262144'),
  range('bytes=262144-524287'),
  range('bytes=-1'),
  range('bytes=-500'),
  range(`bytes=-${FILE_BYTES}`),
  range(`bytes=-${FILE_BYTES * 3}`),
  range(`bytes=${FILE_BYTES}-`),
  range('bytes=99999999999-'),
  range('bytes=9007199254740993-'),
  range(`bytes=${FILE_BYTES}-${FILE_BYTES + 5}`),
  range('bytes=-0'),
  range('BYTES=5-9'),
  range('Bytes=5-9'),
  // What is no byte range, or cannot be read.
  range('items=0-1'),
  range('bytes'),
  range('bytes=abc', { ours: IGNORED }),
  range('bytes=5-2', { ours: IGNORED }),
  range('bytes=5', { ours: IGNORED }),
  range('bytes=-', { ours: IGNORED }),
  range('bytes=', { ours: IGNORED }),
  range('bytes=1-2-3', { ours: IGNORED }),
  range('bytes=--5', { ours: IGNORED }),
  range('bytes=0x0-0x5', { ours: IGNORED }),
  range('bytes=1.5-2', { ours: IGNORED }),
  range(`bytes=${'9'.repeat(30)}-`, { ours: { status: 416, why: 'a number that large is one all the same' } }),
  range(`bytes=0-${'9'.repeat(30)}`, { ours: { status: 206, why: 'a number that large is one all the same' } }),
  // Several ranges.
  range('bytes=0-4,10-14'),
  range('bytes=10-14,0-4'),
  range('bytes=0-9,5-14'),
  range('bytes=0-0,0-0'),
  range('bytes=0-4,-5'),
  range('bytes= 0-4 , 10-14 '),
  range(`bytes=0-4,${FILE_BYTES}-`),
  range(`bytes=${FILE_BYTES}-,${FILE_BYTES + 9}-`),
  range('bytes=0-4,abc', { ours: IGNORED }),
  range('bytes=0-,0-'),
  range(`bytes=0-${LAST},0-0`),
  range(`bytes=${list(2)}`, { name: 'Range: 2 parts' }),
  range(`bytes=${list(16)}`, { name: 'Range: 16 parts' }),
  range(`bytes=${list(17)}`, { name: 'Range: 17 parts' }),
  range(`bytes=${list(500)}`, { name: 'Range: 500 parts' }),
  // Conditions.
  conditional({ 'If-None-Match': '{etag}' }),
  conditional({ 'If-None-Match': 'W/{etag}' }),
  conditional({ 'If-None-Match': '"other"' }),
  conditional({ 'If-None-Match': '"other", {etag}' }),
  conditional({ 'If-None-Match': '*' }),
  conditional({ 'If-None-Match': '{etag}' }, { name: 'HEAD If-None-Match', method: 'HEAD' }),
  conditional({ 'If-Modified-Since': '{date}' }),
  conditional({ 'If-Modified-Since': '{later}' }),
  conditional({ 'If-Modified-Since': '{earlier}' }),
  conditional({ 'If-Modified-Since': 'no date' }),
  conditional(
    { 'If-None-Match': '"other"', 'If-Modified-Since': '{date}' },
    { ours: { status: 200, why: 'RFC 9110 13.1.3: If-Modified-Since counts only without If-None-Match' } },
  ),
  conditional({ 'If-Match': '{etag}' }),
  conditional({ 'If-Match': '"other"' }),
  conditional({ 'If-Match': '*' }),
  conditional({ 'If-Match': '"other", {etag}' }),
  conditional({ 'If-Match': 'W/{etag}' }, { ours: { status: 412, why: 'RFC 9110 13.1.1: strong comparison' } }),
  conditional({ 'If-Unmodified-Since': '{date}' }),
  conditional({ 'If-Unmodified-Since': '{later}' }),
  conditional({ 'If-Unmodified-Since': '{earlier}' }),
  // Ranges on condition.
  conditional({ Range: 'bytes=0-9', 'If-Range': '{etag}' }),
  conditional({ Range: 'bytes=0-9', 'If-Range': '"other"' }),
  conditional({ Range: 'bytes=0-9', 'If-Range': 'W/{etag}' }),
  conditional({ Range: 'bytes=0-9', 'If-Range': '{date}' }),
  conditional({ Range: 'bytes=0-9', 'If-Range': '{later}' }),
  conditional({ Range: 'bytes=0-9', 'If-Range': '{earlier}' }),
  conditional({ Range: 'bytes=0-4,10-14', 'If-Range': '{etag}' }),
  conditional({ Range: `bytes=${FILE_BYTES}-`, 'If-Range': '"other"' }),
  conditional({ Range: 'bytes=0-9', 'If-None-Match': '{etag}' }),
  conditional({ Range: 'bytes=0-9', 'If-Match': '{etag}' }),
  conditional({ Range: 'bytes=0-9', 'If-Match': '"other"' }),
  conditional({ Range: `bytes=${FILE_BYTES}-`, 'If-None-Match': '{etag}' }),
];
